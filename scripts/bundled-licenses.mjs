import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The licences of the packages whose code or weights are built into `dist`, and of their dependencies: dist/LICENSES.txt.
 */
const BUILT_IN = ['@noble/hashes', '@vladmandic/human', 'fflate', 'open', 'protobufjs', 'sirv', 'vega', 'vega-lite'];

const names = new Set(BUILT_IN);
for (const name of names) for (const below of Object.keys(manifest(name).dependencies ?? {})) names.add(below);

const parts = [...names].sort().map((name) => {
  const { version, license } = manifest(name);
  const folder = join('node_modules', name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`;
});
writeFileSync('dist/LICENSES.txt', parts.join(`\n${'-'.repeat(80)}\n\n`));

function manifest(name) {
  const path = join('node_modules', name, 'package.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { version: '', license: '' };
}
