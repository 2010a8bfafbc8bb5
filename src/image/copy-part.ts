import type { Raster } from './pixels.js';

/** Elements of a block. A part is copied by whole blocks: up to two more than it has. */
export const BLOCK = 2 ** 16;

/**
 * Copies elements `from` .. `end` of an image, and some around them, leaving nothing to collect when it is given the same
 * array again, as the frames of a video may be: a view of the part would be garbage of every frame, so views of all its
 * blocks are kept, as long as the image itself.
 *
 * @param target - Of the same kind of element, with room for end - from + 2 * {@link BLOCK} elements from `at` on.
 * @returns Where in `target` element `from` came to lie.
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
    // The buffer below the array may have been resized since.
    if (blocks[k]?.length !== Math.min(BLOCK, data.length - start)) blocks[k] = data.subarray(start, start + BLOCK);
    target.set(blocks[k], at + start - first * BLOCK);
  }
  return at + from - first * BLOCK;
}

const blocksOf = new WeakMap<Raster['data'], Raster['data'][]>();
