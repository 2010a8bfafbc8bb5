/** The host of an address, as `URL` writes it: `Images.Example.com` is `images.example.com`. */
export function hostOf(name: string): string | null {
  // `http:` drops port 80, and `x:80` must not allow every port of `x`.
  return URL.canParse(`http://${name}`) ? new URL(`http://${name}`).host + (/:80$/.test(name) ? ':80' : '') : null;
}
