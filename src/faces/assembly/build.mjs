import { mkdirSync } from 'node:fs';
import asc from 'assemblyscript/asc';

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
  const { error, stderr } = await asc.main(['src/faces/assembly/index.ts', '-o', file, ...options, ...extra]);
  const messages = stderr.toString();
  if (messages) console.error(messages);
  if (error) throw error;
}
