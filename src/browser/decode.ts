import { FerError } from '../errors.js';
import type { PixelImage } from '../image/pixels.js';
import type { DecodeLimits } from '../runtime.js';

export async function decode(_input: unknown, _limits: DecodeLimits): Promise<PixelImage> {
  throw new FerError('INPUT', 'not written yet');
}
