/** Width and height of the hashed picture. */
export const HASHED_SIZE = 32;

/**
 * Computes a hash of a face: similar pictures have hashes that differ in few bits. Its bits are the signs of the 63 lowest
 * frequencies, without the mean.
 *
 * @param luma - Grey levels, [32 * 32].
 * @returns 64 bits as two whole numbers; the second hash is that of the mirror image.
 * @see Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010: the DCT hash, but with signs
 * instead of the median, so that mirroring only changes the signs of odd horizontal frequencies
 */
export function perceptualHash(luma: ArrayLike<number>): { hash: [number, number]; mirrored: [number, number] } {
  // Rows first: [row][u], then columns: [v][u], both cosines of the DCT-II.
  for (let y = 0; y < HASHED_SIZE; y++) {
    for (let u = 0; u < LOW; u++) {
      let sum = 0;
      for (let x = 0; x < HASHED_SIZE; x++) sum += luma[y * HASHED_SIZE + x] * COSINES[u * HASHED_SIZE + x];
      rows[y * LOW + u] = sum;
    }
  }
  const hash: [number, number] = [0, 0];
  const mirrored: [number, number] = [0, 0];
  for (let v = 0; v < LOW; v++) {
    for (let u = 0; u < LOW; u++) {
      if (u === 0 && v === 0) continue;
      let sum = 0;
      for (let y = 0; y < HASHED_SIZE; y++) sum += rows[y * LOW + u] * COSINES[v * HASHED_SIZE + y];
      const bit = 1 << ((v % 4) * LOW + u);
      const half = v < 4 ? 0 : 1;
      if (sum > 0) hash[half] |= bit;
      if (u % 2 === 0 ? sum > 0 : sum < 0) mirrored[half] |= bit;
    }
  }
  return { hash, mirrored };
}

/** Number of set bits in a 32-bit word. */
export function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Frequencies per direction. */
const LOW = 8;
const COSINES = Float64Array.from({ length: LOW * HASHED_SIZE }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / HASHED_SIZE) * ((i % HASHED_SIZE) + 0.5)) / HASHED_SIZE),
);
const rows = new Float64Array(HASHED_SIZE * LOW);
