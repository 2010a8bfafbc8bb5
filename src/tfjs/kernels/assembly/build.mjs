import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compileAssembly } from '../../../../scripts/compile-assembly.mjs';
import { shareMemory } from './share-memory.mjs';

/*
 * The builds of the training kernels: `training.wasm` for every engine with 128-bit SIMD, `training-relaxed.wasm` with
 * fused multiply-add. They import TF.js's memory and have no static data. TF.js's threaded build has a shared memory; for
 * it, both are written again with another import. The compiler would make the same bytes, in twice the time.
 */
const options = [
  ...['--runtime', 'stub', '--importMemory', '--noExportMemory', '--noAssert', '-O3'],
  // Addresses are 32 bits wide here; a 64-bit memory is not in sight.
  ...['--enable', 'simd', '--disableWarning', '201'],
];
const relaxed = ['--enable', 'relaxed-simd'];
const builds = {
  'dist/wasm/training.wasm': [],
  'dist/wasm/training-relaxed.wasm': relaxed,
};

/** As TF.js's threaded build declares its memory: 4 GB. */
const MOST_PAGES = 65_536;

mkdirSync('dist/wasm', { recursive: true });
for (const [file, extra] of Object.entries(builds)) {
  await compileAssembly('src/tfjs/kernels/assembly/index.ts', file, [...options, ...extra]);
  writeFileSync(file.replace('.wasm', '-shared.wasm'), shareMemory(readFileSync(file), MOST_PAGES));
}
