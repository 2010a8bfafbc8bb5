import asc from 'assemblyscript/asc';

const SOURCE = `
export function run(rounds: i32, first: f32, second: f32): f32 {
  const a = f32x4.splat(first);
  const b = f32x4.splat(second);
  let s0 = a, s1 = a, s2 = a, s3 = a, s4 = a, s5 = a, s6 = a, s7 = a, s8 = a, s9 = a;
  for (let i = 0; i < rounds; i++) {
    s0 = madd(a, s0, b); s1 = madd(a, s1, b); s2 = madd(a, s2, b); s3 = madd(a, s3, b); s4 = madd(a, s4, b);
    s5 = madd(a, s5, b); s6 = madd(a, s6, b); s7 = madd(a, s7, b); s8 = madd(a, s8, b); s9 = madd(a, s9, b);
  }
  s0 = f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7)));
  return f32x4.extract_lane(f32x4.add(s0, f32x4.add(s8, s9)), 0);
}
// @ts-ignore: decorator
@inline
function madd(a: v128, s: v128, b: v128): v128 {
  // The fused instruction adds to its third operand; the pair must not have a product that the compiler can keep.
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, s);
  return f32x4.add(f32x4.mul(a, s), b);
}
`;

/**
 * The machine's measured peak for 128-bit multiply-add in WebAssembly: ten independent chains in registers, no memory.
 *
 * @returns A function that measures once, GFLOP/s; a multiply-add counts as two.
 */
export async function simdPeak(path: 'simd' | 'relaxed-simd'): Promise<() => number> {
  const relaxed = path === 'relaxed-simd' ? ['--enable', 'relaxed-simd'] : [];
  const { error, binary } = await asc.compileString(SOURCE, {
    runtime: 'stub',
    optimizeLevel: 3,
    enable: ['simd', ...relaxed.slice(1)],
  });
  if (error || binary === null) throw error ?? new Error('the probe did not compile');
  const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>);
  const run = instance.exports.run as (rounds: number, first: number, second: number) => number;
  const rounds = 2_000_000;
  return () => {
    const start = performance.now();
    run(rounds, 0.5, 0.25);
    return (rounds * 10 * 4 * 2) / (performance.now() - start) / 1e6;
  };
}
