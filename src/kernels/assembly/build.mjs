import { mkdirSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/*
 * The two builds of the training kernels: `training.wasm` for every engine with 128-bit SIMD, and
 * `training-relaxed.wasm` with fused multiply-add. They import TF.js's memory and hold no data of their own.
 */
const options = [
  ...['--runtime', 'stub', '--importMemory', '--noExportMemory', '--noAssert', '-O3', '--converge'],
  // Addresses are 32 bits wide here; a 64-bit memory is not in sight.
  ...['--enable', 'simd', '--disableWarning', '201'],
];
const builds = {
  'dist/wasm/training.wasm': [],
  'dist/wasm/training-relaxed.wasm': ['--enable', 'relaxed-simd'],
};

mkdirSync('dist/wasm', { recursive: true });
for (const [file, extra] of Object.entries(builds)) {
  const { error, stderr } = await asc.main(['src/kernels/assembly/index.ts', '-o', file, ...options, ...extra]);
  const messages = stderr.toString();
  if (messages) console.error(messages);
  if (error) throw error;
}
