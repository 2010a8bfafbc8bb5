/**
 * The address of the package's binaries, for a page without them: the address in `<meta name="fer-dcnn-assets">`.
 * Undefined without this element: a build has the binaries beside its program.
 */
export function assetsOfPage(): string | undefined {
  const address = document.querySelector<HTMLMetaElement>('meta[name="fer-dcnn-assets"]')?.content;
  return address ? new URL(address, document.baseURI).href : undefined;
}
