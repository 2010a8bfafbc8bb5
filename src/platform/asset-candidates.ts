/**
 * Where a file of this package may lie, most likely first.
 *
 * A file beside the running module is named as `new URL('…', import.meta.url)`, which bundlers rewrite to where they
 * put it. Vite's development server, however, moves the module alone, into `node_modules/.vite/deps`. From there the
 * file is at its place in the package; and where the package lies in another `node_modules` (a monorepo's), the server
 * tells its place when asked for the module `/@id/fer-dcnn/…?import&url`.
 *
 * @param beside - The file, as the module that needs it names it.
 * @param path - The file's path inside the package.
 * @param moduleUrl - That module's `import.meta.url`.
 */
export function assetCandidates(beside: URL, path: string, moduleUrl: string): URL[] {
  const moved = /^(.*\/)node_modules\/\.vite[^/]*\//.exec(moduleUrl);
  if (moved === null) return [beside];
  const [, base] = moved;
  const exported = path.replace(/^dist\//, '');
  return [
    new URL(`${base}node_modules/fer-dcnn/${path}`),
    beside,
    new URL(`${base}@id/fer-dcnn/${exported}?import&url`),
  ];
}

/**
 * What `name` gives; nothing where it cannot name any: some engines and bundles do not tell a module its own address, and
 * some have no `URL`.
 */
export function addressesOf(name: () => URL[]): URL[] {
  try {
    return name();
  } catch {
    return [];
  }
}
