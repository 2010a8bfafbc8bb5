import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rollup } from 'rollup';

/*
 * The ESM build for Node in fewer files: what `fer-dcnn/lite` imports becomes two chunks. esbuild splits it into thirty, one for
 * each group of entries that share code, and Node takes most of a millisecond to find, read and link each file.
 */
const folder = 'dist/node';
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
const entries = files.filter((name) => !/-[A-Z0-9]{8}\.js$/.test(name));

// What small programs start with is apart: they would read all of it.
const ground = pathsOf([...importedBy('cli.js'), ...importedBy('decode-process.js')]);
const recognise = pathsOf(importedBy('lite.js'));

const bundle = await rollup({
  input: Object.fromEntries(entries.map((name) => [name.slice(0, -3), join(folder, name)])),
  external: (id) => !/^[./].*\.js$/.test(id),
  treeshake: false,
  onwarn: ({ code, message }) => {
    if (code !== 'UNUSED_EXTERNAL_IMPORT') throw new Error(message);
  },
  preserveEntrySignatures: 'strict',
});
for (const name of files) rmSync(join(folder, name));
await bundle.write({
  dir: folder,
  format: 'esm',
  chunkFileNames: (chunk) => `${chunk.name.replace(/-[A-Z0-9]{8}$/, '')}-[hash].js`,
  hashCharacters: 'base36',
  hoistTransitiveImports: false,
  minifyInternalExports: false,
  manualChunks: (id) => (ground.has(id) ? 'ground' : recognise.has(id) ? 'recognise' : undefined),
});

/** The files that a file imports at its start, itself apart. */
function importedBy(entry) {
  const found = new Set([entry]);
  for (const name of found) {
    const source = readFileSync(join(folder, name), 'utf8');
    for (const [, used] of source.matchAll(/^(?:import|export|\}) [^()]*?["']\.\/([\w-]+\.js)["'];$/gm))
      found.add(used);
  }
  found.delete(entry);
  return found;
}

function pathsOf(names) {
  return new Set([...names].map((name) => resolve(folder, name)));
}
