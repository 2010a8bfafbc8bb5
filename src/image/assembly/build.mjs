import { writeFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/*
 * The pixel kernels, into a source file: with 3 KB, they are where pixels are worked on without anything to load.
 */
const options = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--converge', '--initialMemory', '1', '--disableWarning', '201'],
  ...['--enable', 'simd'],
];
const target = process.argv[2] ?? 'src/image/pixel-kernels-wasm.ts';

let bytes;
const { error, stderr } = await asc.main(['src/image/assembly/index.ts', '-o', 'pixels.wasm', ...options], {
  writeFile(_, contents) {
    bytes = contents;
  },
});
const messages = stderr.toString();
if (messages) console.error(messages);
if (error) throw error;

// Of hex digits brotli makes three quarters of what it makes of base64: bytes that repeat are the same digits.
// Hex, not base64: brotli finds the bytes that repeat, and needs three quarters of the space.
const lines = Buffer.from(bytes).toString('hex').match(/.{1,1000}/g);
writeFileSync(
  target,
  `// Made of src/image/assembly by \`npm run build:kernels\`: a WebAssembly module of ${bytes.length} bytes, in hex.
export const PIXEL_KERNELS_WASM = [
${lines.map((line) => `  '${line}',`).join('\n')}
];
`,
);
