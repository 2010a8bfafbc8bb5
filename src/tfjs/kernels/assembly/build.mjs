import { mkdirSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/*
 * The builds of the training kernels: `training.wasm` for every engine with 128-bit SIMD, `training-relaxed.wasm` with
 * fused multiply-add, and both again for the shared memory of TF.js's threaded build. They import TF.js's memory and have no static data.
 */
const options = [
  ...['--runtime', 'stub', '--importMemory', '--noExportMemory', '--noAssert', '-O3'],
  // Addresses are 32 bits wide here; a 64-bit memory is not in sight.
  ...['--enable', 'simd', '--disableWarning', '201'],
];
const relaxed = ['--enable', 'relaxed-simd'];
const shared = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];
const builds = {
  'dist/wasm/training.wasm': [],
  'dist/wasm/training-relaxed.wasm': relaxed,
  'dist/wasm/training-shared.wasm': shared,
  'dist/wasm/training-relaxed-shared.wasm': [...relaxed, ...shared],
};

mkdirSync('dist/wasm', { recursive: true });
for (const [file, extra] of Object.entries(builds)) {
  const { error, stderr } = await asc.main(['src/tfjs/kernels/assembly/index.ts', '-o', file, ...options, ...extra]);
  const messages = stderr.toString();
  if (messages) console.error(messages);
  if (error) throw error;
}
