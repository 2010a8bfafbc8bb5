import { throwIfAborted } from '../abort.js';
import { bitCount, HASHED_SIZE, perceptualHash } from '../image/perceptual-hash.js';

export interface NearDuplicatesOptions {
  /**
   * Minimum correlation (Pearson) of the pixels, of the two pictures or of one and the other's mirror image.
   * @default 0.95
   */
  least?: number;
  /** Stops the search. */
  signal?: AbortSignal;
}

/**
 * Finds pictures that are nearly the same: saved again, resized, brightened, or mirrored.
 *
 * Pairs whose perceptual hashes differ in at most 12 of 64 bits are compared pixel by pixel, and count when they correlate
 * by `least` or more. Of the 30,173 faces of FER+, 73,000 pairs are compared and 2,600 count; all inspected pairs were
 * one photo. Every pair of hashes is compared, so the time grows with the square of the number of pictures.
 *
 * @param pictures - Grey levels of each, [32 * 32].
 * @returns Pairs of indices, the smaller first.
 * @throws FerError `ABORTED`.
 */
export async function nearDuplicates(
  pictures: readonly Uint8Array[],
  { least = 0.95, signal }: NearDuplicatesOptions = {},
): Promise<[number, number][]> {
  const unit = pictures.map(normalised);
  // The two 32-bit words of each hash, and of the hash of its mirror image.
  const low = new Int32Array(pictures.length);
  const high = new Int32Array(pictures.length);
  const pairs: [number, number][] = [];
  let lastPause = performance.now();
  for (const [i, picture] of pictures.entries()) {
    if (performance.now() - lastPause > 50) {
      // Let signals arrive.
      await new Promise((resolve) => setTimeout(resolve, 0));
      throwIfAborted(signal, 'the search');
      lastPause = performance.now();
    }
    const a = unit[i];
    if (a === null) continue; // a constant picture: equal to all other constant pictures, and to no other
    const { hash, mirrored } = perceptualHash(picture);
    [low[i], high[i]] = hash;
    for (let j = 0; j < i; j++) {
      const distance = bitCount(hash[0] ^ low[j]) + bitCount(hash[1] ^ high[j]);
      const asMirrored = bitCount(mirrored[0] ^ low[j]) + bitCount(mirrored[1] ^ high[j]);
      if (distance > MOST_BITS && asMirrored > MOST_BITS) continue;
      const b = unit[j];
      if (b !== null && correlation(a, b) >= least) pairs.push([j, i]);
    }
  }
  return pairs;
}

/** Bits in which the hashes of near duplicates may differ. */
const MOST_BITS = 12;

/** Grey levels with mean 0 and length 1, so that a dot product is a correlation; null for a constant picture. */
function normalised(picture: Uint8Array): Float32Array | null {
  let mean = 0;
  for (const level of picture) mean += level / picture.length;
  let square = 0;
  for (const level of picture) square += (level - mean) ** 2;
  // A deviation below one grey level is noise.
  if (square < picture.length) return null;
  const length = Math.sqrt(square);
  return Float32Array.from(picture, (level) => (level - mean) / length);
}

/** The correlation of two pictures, or of one with the other's mirror image, whichever is higher. */
function correlation(a: Float32Array, b: Float32Array): number {
  let same = 0;
  let mirrored = 0;
  for (let y = 0; y < HASHED_SIZE; y++) {
    const row = y * HASHED_SIZE;
    for (let x = 0; x < HASHED_SIZE; x++) {
      same += a[row + x] * b[row + x];
      mirrored += a[row + x] * b[row + HASHED_SIZE - 1 - x];
    }
  }
  return Math.max(same, mirrored);
}
