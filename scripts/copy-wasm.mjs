import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * TF.js's WebAssembly binaries, beside ours: bundlers and web servers then find all of them in one place of this package,
 * with any layout of node_modules.
 */
const source = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
const target = 'dist/wasm';

mkdirSync(target, { recursive: true });
for (const file of readdirSync(source).filter((name) => name.endsWith('.wasm'))) {
  copyFileSync(join(source, file), join(target, file));
}
