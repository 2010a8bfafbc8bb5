import { resample } from '../src/image/resample.js';
import type { Box, PixelImage } from '../src/index.js';
import type { ImageFolder } from '../src/node.js';

/** Crops every picture of a folder to a box, in grey. A box of whole pixels is copied without resampling. */
export async function* cropped(
  folder: ImageFolder,
  box: Box,
): AsyncGenerator<{ image: PixelImage; label: number; file: string }> {
  const { width, height } = box;
  for await (const { image, label, file } of folder) {
    const data = Uint8ClampedArray.from(resample(image, { width, height, box }), Math.round);
    yield { image: { data, width, height, channels: 1 }, label: label as number, file };
  }
}
