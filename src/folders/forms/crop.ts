import { FerError } from '../../errors.js';
import type { Box } from '../../image/box.js';
import type { DecodeLimits } from '../../platform/image-limits.js';
import { decode } from '../../platform/node/decode.js';
import type { PixelImage } from '../../runtime.js';

/**
 * Reads the part of a photo inside a box, extended to whole pixels and clipped to the photo.
 *
 * @throws FerError `DECODE` for a box outside the photo; and the errors of decoding.
 */
export async function readCrop(path: string, box: Box, limits: DecodeLimits): Promise<PixelImage> {
  const image = await decode(path, limits);
  const { width, height, channels } = image;
  const [left, top] = [Math.max(0, Math.floor(box.x)), Math.max(0, Math.floor(box.y))];
  const right = Math.min(width, Math.ceil(box.x + box.width));
  const bottom = Math.min(height, Math.ceil(box.y + box.height));
  if (!(right > left && bottom > top)) {
    throw new FerError(
      'DECODE',
      `${path}: the box ${box.x},${box.y},${box.width},${box.height} lies outside the picture`,
    );
  }
  const row = (right - left) * channels;
  const data = new Uint8ClampedArray(row * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const from = (y * width + left) * channels;
    data.set(image.data.subarray(from, from + row), (y - top) * row);
  }
  return { data, width: right - left, height: bottom - top, channels };
}
