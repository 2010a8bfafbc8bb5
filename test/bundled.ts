import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll } from 'vitest';

let folder: string | undefined;
let count = 0;
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/**
 * Bundles a program of the tests, with the sources that it imports, into one file for Node. A process that runs it starts with
 * half the work of one that runs `tsx`.
 *
 * @param program - Path of a TypeScript file, or TypeScript that imports as from the repository's folder.
 * @returns Path of the bundle; it is removed when the tests of the file end.
 */
export function bundled(program: string): string {
  // Two folders deep, as the sources: `../../dist` is right. Beside the packages.
  folder ??= mkdtempSync('node_modules/.fer-dcnn-test-');
  const name = String(count++);
  const outfile = join(folder, `${name}.mjs`);
  buildSync({
    entryPoints: program.endsWith('.ts') ? { [name]: program } : undefined,
    stdin: program.endsWith('.ts') ? undefined : { contents: program, resolveDir: process.cwd(), loader: 'ts' },
    // In parts, so that a process loads a package that it imports on demand, such as TF.js, only then.
    ...{
      outdir: folder,
      entryNames: name,
      chunkNames: `${name}-[hash]`,
      outExtension: { '.js': '.mjs' },
      splitting: true,
    },
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' },
    logLevel: 'error',
  });
  return outfile;
}
