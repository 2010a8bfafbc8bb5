import { mkdirSync } from 'node:fs';
import { compileAssembly } from '../../../scripts/compile-assembly.mjs';

/*
 * The three builds of BlazeFace: with fused multiply-add (relaxed SIMD), with 128-bit SIMD, and without either.
 */
const options = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--initialMemory', '24'],
  ...['--disableWarning', '201'],
];
const builds = {
  'dist/wasm/faces-relaxed.wasm': ['--enable', 'simd', '--enable', 'relaxed-simd'],
  'dist/wasm/faces-simd.wasm': ['--enable', 'simd'],
  'dist/wasm/faces-scalar.wasm': ['--disable', 'simd'],
};

mkdirSync('dist/wasm', { recursive: true });
for (const [file, extra] of Object.entries(builds)) {
  await compileAssembly('src/faces/assembly/index.ts', file, [...options, ...extra]);
}
