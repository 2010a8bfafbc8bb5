import { FerError } from '../errors.js';

/**
 * Refuses an image of more than `maxPixels` pixels, or of none.
 *
 * @param name - What the image is called in the message.
 * @throws FerError `TOO_LARGE` over the limit, `DECODE` for an image without pixels.
 */
export function checkPixelCount(width: number, height: number, maxPixels: number, name: string): void {
  if (!(width > 0 && height > 0)) throw new FerError('DECODE', `${name} has no pixels: ${width}x${height}`);
  if (width * height > maxPixels) {
    throw new FerError(
      'TOO_LARGE',
      `${name} is ${width}x${height}: ${width * height} pixels, over the limit of ${maxPixels}; maxPixels raises it`,
    );
  }
}
