import { runtime } from '#runtime';
import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { checkPixelCount } from '../platform/check-pixel-count.js';
import { imageLimits, pixelLimit } from '../platform/image-limits.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import type { ImageInput, PixelTensor } from './input.js';
import type { Raster } from './pixels.js';

export interface ToPixelsOptions extends ImageLimits {}

/**
 * Reads any image input into pixels, upright by its EXIF orientation, in sRGB. The first frame of an animation is taken.
 *
 * @returns Pixels; floats for a float tensor. Those of a `PixelImage` and of an `ImageData` are the caller's own, not a
 * copy.
 * @throws FerError `INPUT` for a value that is not an image, `NOT_FOUND` for a missing file, `DECODE` for broken bytes,
 * `TOO_LARGE` over a limit, `TIMEOUT` after `maxMilliseconds`, `SHAPE` and `CHANNELS` for pixels or tensors of the wrong size, `NOT_FINITE` for NaN
 * or infinity in a tensor, `DISPOSED` for a disposed tensor.
 * @example
 * const photo = await toPixels('photo.jpg'); // { data, width: 640, height: 480, channels: 3 }
 */
export async function toPixels(input: ImageInput, options: ToPixelsOptions = {}): Promise<Raster> {
  const maxPixels = pixelLimit(options);
  try {
    if (isTensor(input)) return await fromTensor(input, maxPixels);
    if (isPixels(input)) return fromPixels(input, maxPixels);
    return await runtime.decode(input, imageLimits(options));
  } catch (error) {
    // Getters and proxies may throw anything, at any place.
    if (error instanceof FerError) throw error;
    throw new FerError('INPUT', `${describeInput(input)} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** A `PixelImage`, or an `ImageData` (which has no `channels`: always 4). */
type Pixels = Omit<PixelImage, 'channels'> & { channels?: number; colorSpace?: string };

function isPixels(input: unknown): input is Pixels {
  if (typeof input !== 'object' || input === null) return false;
  if (!('data' in input && 'width' in input && 'height' in input)) return false;
  // Colours of another space are for the platform to convert.
  return !('colorSpace' in input) || 'channels' in input || input.colorSpace === 'srgb';
}

function fromPixels(image: Pixels, maxPixels: number): PixelImage {
  const { data, width, height, channels = 4 } = image;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new FerError('CHANNELS', `an image has 1, 3 or 4 channels, got ${describeInput(channels)}`);
  }
  if (!isLevels(data)) {
    throw new FerError('INPUT', `image data must be a Uint8Array or Uint8ClampedArray, got ${describeInput(data)}`);
  }
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new FerError(
      'SHAPE',
      `image width and height must be whole numbers above 0, got ${describeInput(width)} and ${describeInput(height)}`,
    );
  }
  if (data.length !== width * height * channels) {
    throw new FerError(
      'SHAPE',
      `an image of ${width}x${height} with ${channels} channels has ${width * height * channels} levels, got ${data.length}`,
    );
  }
  checkPixelCount(width, height, maxPixels, 'the image');
  return { data, width, height, channels };
}

function isLevels(data: unknown): data is PixelImage['data'] {
  if (!ArrayBuffer.isView(data)) return false;
  // By name, because arrays of another window or worker context are no instances of this one's classes.
  const kind = Object.prototype.toString.call(data);
  return kind === '[object Uint8Array]' || kind === '[object Uint8ClampedArray]';
}

function isTensor(input: unknown): input is PixelTensor {
  if (typeof input !== 'object' || input === null) return false;
  const { shape, dtype, data } = input as Partial<PixelTensor>;
  return Array.isArray(shape) && typeof dtype === 'string' && typeof data === 'function';
}

async function fromTensor(tensor: PixelTensor, maxPixels: number): Promise<Raster> {
  const { shape, dtype } = tensor;
  if (tensor.isDisposed) throw new FerError('DISPOSED', 'the image tensor is disposed');
  if (shape.length !== 3) {
    throw new FerError('SHAPE', `an image tensor has the shape [height, width, channels], got [${shape}]`);
  }
  const [height, width, channels] = shape;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new FerError('CHANNELS', `an image tensor has 1, 3 or 4 channels, got the shape [${shape}]`);
  }
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new FerError('SHAPE', `an image tensor has no pixels: shape [${shape}]`);
  }
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new FerError('INPUT', `an image tensor is of dtype float32 or int32, got ${dtype}`);
  }
  checkPixelCount(width, height, maxPixels, 'the image tensor');

  // A copy: tensors of the cpu backend give out their own memory.
  const data = new Float32Array(await tensor.data());
  if (data.length !== width * height * channels) {
    throw new FerError('SHAPE', `an image tensor of shape [${shape}] holds ${data.length} levels`);
  }
  for (let k = 0; k < data.length; k++) {
    const level = data[k];
    if (level >= 0 && level <= 255) continue;
    const place = `[${Math.floor(k / channels / width)}, ${Math.floor(k / channels) % width}, ${k % channels}]`;
    if (!Number.isFinite(level)) throw new FerError('NOT_FINITE', `the image tensor holds ${level} at ${place}`);
    if (level < -SLACK || level > 255 + SLACK) {
      throw new FerError('INPUT', `image tensors are on the 0..255 scale, got ${level} at ${place}`);
    }
    data[k] = Math.min(Math.max(level, 0), 255);
  }
  return { data, width, height, channels };
}

/** What rounding may add to a level at the ends of the scale. */
const SLACK = 0.01;
