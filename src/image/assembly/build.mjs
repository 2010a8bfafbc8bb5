import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileAssembly } from '../../../scripts/compile-assembly.mjs';

/*
 * The kernels that work on pixels, each module of some 2 KB into a source file: they need nothing to be loaded. Those of
 * augmentation are apart, so that a program that only classifies does not carry them.
 *
 * node src/image/assembly/build.mjs [folder to write to in place of src]
 */
const MODULES = [
  { source: 'image/assembly/index.ts', target: 'image/pixel-kernels-wasm.ts', name: 'PIXEL_KERNELS_WASM' },
  { source: 'tfjs/train/assembly/index.ts', target: 'tfjs/train/augment-kernels-wasm.ts', name: 'AUGMENT_KERNELS_WASM' },
];
const OPTIONS = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--initialMemory', '1', '--disableWarning', '201'],
  ...['--enable', 'simd'],
];
const folder = process.argv[2] ?? 'src';

for (const { source, target, name } of MODULES) {
  let bytes;
  await compileAssembly(`src/${source}`, 'pixels.wasm', OPTIONS, {
    writeFile(_, contents) {
      bytes = contents;
    },
  });

  // Hex, not base64: brotli finds the bytes that repeat, and needs three quarters of the space.
  const lines = Buffer.from(bytes).toString('hex').match(/.{1,1000}/g);
  writeFileSync(
    join(folder, target),
    `// Made of src/${source} by \`npm run build:kernels\`: a WebAssembly module of ${bytes.length} bytes, in hex.
export const ${name} = [
${lines.map((line) => `  '${line}',`).join('\n')}
];
`,
  );
}
