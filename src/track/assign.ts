import { type Box, intersectionOverUnion } from '../image/box.js';

/**
 * Pairs boxes of one frame with those of another, the pair that overlaps most first.
 *
 * Overlap is intersection over union (Jaccard 1912); taking the best pair first is the tracker of Bochinski, Eiselein and
 * Sikora, "High-Speed Tracking-by-Detection Without Using Image Information" (AVSS 2017).
 *
 * @param minOverlap - Minimum overlap of a pair, in (0, 1].
 * @returns For each of `boxes`, the index of its partner in `others`, or -1.
 * @example
 * assign([{ x: 0, y: 0, width: 10, height: 10 }], [{ x: 1, y: 0, width: 10, height: 10 }], 0.3); // [0]
 */
export function assign(boxes: readonly Box[], others: readonly Box[], minOverlap: number): number[] {
  const pairs: { box: number; other: number; overlap: number }[] = [];
  for (const [box, a] of boxes.entries()) {
    for (const [other, b] of others.entries()) {
      const overlap = intersectionOverUnion(a, b);
      if (overlap >= minOverlap) pairs.push({ box, other, overlap });
    }
  }
  pairs.sort((a, b) => b.overlap - a.overlap);

  const partners = boxes.map(() => -1);
  const taken = new Set<number>();
  for (const { box, other } of pairs) {
    if (partners[box] !== -1 || taken.has(other)) continue;
    partners[box] = other;
    taken.add(other);
  }
  return partners;
}
