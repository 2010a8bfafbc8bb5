import type { Raster } from './pixels.js';

/** Elements per block. A part is copied in whole blocks: up to two more than it needs. */
export const BLOCK = 2 ** 16;

/**
 * Copies elements `from` .. `end` of an image, and some around them. It makes no garbage when called again with the same array,
 * as for the frames of a video: instead of a new view in every frame, it keeps views of all blocks, as long as the image
 * lives.
 *
 * @param target - An array of the same type, with room for end - from + 2 * {@link BLOCK} elements from `at`.
 * @returns The index of element `from` in `target`.
 */
export function copyPart(
  data: Raster['data'],
  from: number,
  end: number,
  target: Uint8Array | Float32Array,
  at: number,
): number {
  if (data.length <= BLOCK || end - from === data.length) {
    target.set(data, at);
    return at + from;
  }
  const blocks = blocksOf.get(data) ?? [];
  blocksOf.set(data, blocks);
  const first = Math.floor(from / BLOCK);
  for (let k = first; k * BLOCK < end; k++) {
    const start = k * BLOCK;
    // The buffer of the array may have been resized.
    if (blocks[k]?.length !== Math.min(BLOCK, data.length - start)) blocks[k] = data.subarray(start, start + BLOCK);
    target.set(blocks[k], at + start - first * BLOCK);
  }
  return at + from - first * BLOCK;
}

const blocksOf = new WeakMap<Raster['data'], Raster['data'][]>();
