/**
 * A stream of numbers in [0, 1) that depends only on its keys, so that any epoch, batch or sample can be repeated without
 * replaying earlier ones. This lets a killed run resume bit for bit.
 *
 * The keys are hashed by MurmurHash3's finalizer; the numbers come from `sfc32` (PractRand, Chris Doty-Humphrey).
 *
 * @param keys - Integers, such as seed, purpose, epoch, sample.
 */
export function randomStream(...keys: number[]): () => number {
  const next = randomBits(...keys);
  return () => next() / 2 ** 32;
}

/** Like {@link randomStream}, but unsigned 32-bit integers. */
export function randomBits(...keys: number[]): () => number {
  let hash = 0x9e3779b9;
  for (const key of keys) {
    hash = mix(hash ^ mix(key >>> 0));
    hash = mix(hash ^ Math.floor(key / 2 ** 32));
  }
  let a = hash;
  let b = mix(hash + 0x6a09e667);
  let c = mix(hash + 0xbb67ae85);
  let counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** 0..n-1 in random order (Fisher and Yates). */
export function shuffledIndices(n: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  return order;
}

function mix(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h;
}
