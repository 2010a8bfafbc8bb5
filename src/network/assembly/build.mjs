import { mkdirSync } from 'node:fs';
import { compileAssembly } from '../../../scripts/compile-assembly.mjs';

/*
 * The three builds of the network: with fused multiply-add (relaxed SIMD), with 128-bit SIMD, and without either.
 */
const options = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--initialMemory', '56', '--maximumMemory', '56'],
  ...['--disableWarning', '201'],
];
const builds = {
  'dist/wasm/network-relaxed.wasm': ['--enable', 'simd', '--enable', 'relaxed-simd'],
  'dist/wasm/network-simd.wasm': ['--enable', 'simd'],
  'dist/wasm/network-scalar.wasm': ['--disable', 'simd'],
};

mkdirSync('dist/wasm', { recursive: true });
for (const [file, extra] of Object.entries(builds)) {
  await compileAssembly('src/network/assembly/index.ts', file, [...options, ...extra]);
}
