/**
 * Where a file of this package may lie, most likely first.
 *
 * A file beside the running module is named as `new URL('…', import.meta.url)`, which bundlers rewrite to where they
 * put it. Vite's development server, however, moves the module alone, into `node_modules/.vite/deps`: from there the
 * file is at its place in the package.
 *
 * @param beside - The file, as the module that needs it names it.
 * @param path - The file's path inside the package.
 * @param moduleUrl - That module's `import.meta.url`.
 */
export function assetCandidates(beside: URL, path: string, moduleUrl: string): URL[] {
  const moved = /^(.*\/node_modules\/)\.vite[^/]*\//.exec(moduleUrl);
  return moved === null ? [beside] : [new URL(`${moved[1]}fer-dcnn/${path}`), beside];
}
