import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';

/*
 * The CommonJS build: converts each file of the ESM build for Node, so that its entries share their chunks
 * (one FerError, one current backend) like the ESM entries.
 */
const folder = 'dist/node';
const programs = ['cli.js', 'decode-process.js'];
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
// Chunks have a hash in their names (`recognise-eb06ikyo.js`); chunks that only programs use stay ESM.
const names = files.filter((name) => !programs.includes(name) && !/-[a-z0-9]{8}\.js$/.test(name));
for (const name of names) {
  for (const [, used] of readFileSync(join(folder, name), 'utf8').matchAll(/["']\.\/([\w-]+\.js)["']/g)) {
    if (files.includes(used) && !names.includes(used) && !programs.includes(used)) names.push(used);
  }
}

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

// Piscina loads its program with require(). Node 20 aborts the whole process when a thread is ended while it requires an ES module.
rmSync(join(folder, 'classifier-worker.js'));
// As CommonJS, a thread starts with half the work: Node searches a CommonJS package that a module imports, such as TF.js, for exports.
rmSync(join(folder, 'gradient-worker.js'));
