import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';

/*
 * The CommonJS build: each file of the ESM build for Node, turned one by one, so that its entries share their chunks
 * (one FerError, one backend in use) just as the ESM entries do.
 */
const folder = 'dist/node';
const programs = ['cli.js', 'gradient-worker.js'];
const names = readdirSync(folder).filter((name) => name.endsWith('.js') && !programs.includes(name));

for (const name of names) {
  const source = readFileSync(join(folder, name), 'utf8').replace(/(["'])(\.\/[\w-]+)\.js\1/g, '$1$2.cjs$1');
  const usesUrl = source.includes('import.meta.url');
  const { code } = await transform(source, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: usesUrl ? "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" : '',
  });
  writeFileSync(join(folder, name.replace(/\.js$/, '.cjs')), code);
}
