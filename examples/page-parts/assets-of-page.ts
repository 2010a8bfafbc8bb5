/**
 * Where the package's binaries lie, for a page that does not bring them: the address in `<meta name="fer-dcnn-assets">`.
 * Undefined where there is none: a build has them beside its program.
 */
export function assetsOfPage(): string | undefined {
  const address = document.querySelector<HTMLMetaElement>('meta[name="fer-dcnn-assets"]')?.content;
  return address ? new URL(address, document.baseURI).href : undefined;
}
