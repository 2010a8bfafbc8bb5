import { FerError } from '../errors.js';

/**
 * Refuses an image of more than `maxPixels` pixels, with a side of more than 65,535, or without pixels.
 *
 * @param name - Name of the image in the message.
 * @throws FerError `TOO_LARGE` over the limit, `DECODE` for an image without pixels.
 */
export function checkPixelCount(width: number, height: number, maxPixels: number, name: string): void {
  if (!(width > 0 && height > 0)) throw new FerError('DECODE', `${name} has no pixels: ${width}x${height}`);
  if (Math.max(width, height) > LONGEST_SIDE) {
    throw new FerError('TOO_LARGE', `${name} is ${width}x${height}: no side may be longer than ${LONGEST_SIDE} pixels`);
  }
  if (width * height > maxPixels) {
    throw new FerError(
      'TOO_LARGE',
      `${name} is ${width}x${height}: ${width * height} pixels, over the limit of ${maxPixels}; maxPixels raises it`,
    );
  }
}

/** As in JPEG; the time of some decoders grows with the rows, even if they are narrow. */
const LONGEST_SIDE = 65_535;
