import { FerError } from '../errors.js';
import { describeInput } from './describe-input.js';

/** The pixel limit unless the caller gives one: 64 megapixels. */
export const DEFAULT_MAX_PIXELS = 64e6;

/**
 * Refuses an image of more than `maxPixels` pixels, or of none.
 *
 * @param name - What the image is called in the message.
 * @throws FerError `TOO_LARGE` over the limit, `DECODE` for an image without pixels, `OPTION` for a limit below 1.
 */
export function checkPixelCount(width: number, height: number, maxPixels: number, name: string): void {
  if (!(typeof maxPixels === 'number' && maxPixels >= 1)) {
    throw new FerError('OPTION', `maxPixels must be a number from 1 up, got ${describeInput(maxPixels)}`);
  }
  if (!(width > 0 && height > 0)) throw new FerError('DECODE', `${name} has no pixels: ${width}x${height}`);
  if (width * height > maxPixels) {
    throw new FerError(
      'TOO_LARGE',
      `${name} is ${width}x${height}: ${width * height} pixels, over the limit of ${maxPixels}; maxPixels raises it`,
    );
  }
}
