import { mkdirSync } from 'node:fs';
import asc from 'assemblyscript/asc';

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
  const { error, stderr } = await asc.main(['src/network/assembly/index.ts', '-o', file, ...options, ...extra]);
  const messages = stderr.toString();
  if (messages) console.error(messages);
  if (error) throw error;
}
