import { runtime } from '#runtime';
import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { integer, type Rule } from '../options.js';
import { checkPixelCount } from '../platform/check-pixel-count.js';
import { imageLimits, pixelLimit } from '../platform/image-limits.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import type { ImageInput, PixelTensor } from './input.js';
import type { Raster } from './pixels.js';

export interface ToPixelsOptions extends ImageLimits {
  /**
   * Which frame of an animation, or page of a TIFF, counted from 0. Browsers without `ImageDecoder` (Safari) read only
   * the first.
   * @default 0
   */
  frame?: number;
}

/**
 * Reads any image input into pixels, upright by its EXIF orientation, in sRGB; one frame of an animation.
 *
 * @returns Pixels; floats for a float tensor. Pixels of a `PixelImage` or `ImageData` are not copied.
 * @throws FerError `INPUT` for a value that is not an image, `NOT_FOUND` for a missing file, `DECODE` for broken bytes,
 * `TOO_LARGE` over a limit, `TIMEOUT` after `maxMilliseconds`, `SHAPE` and `CHANNELS` for pixels or tensors of the wrong size, `NOT_FINITE` for NaN
 * or infinity in a tensor, `DISPOSED` for a disposed tensor, `OPTION` for a frame that does not exist, `CANVAS` in a browser that
 * hides the pixels of canvases.
 * @example
 * const photo = await toPixels('photo.jpg'); // { data, width: 640, height: 480, channels: 3 }
 */
export async function toPixels(input: ImageInput, options: ToPixelsOptions = {}): Promise<Raster> {
  const maxPixels = pixelLimit(options);
  const { frame = 0 } = options;
  try {
    if (isTensor(input)) return await fromTensor(onlyOne(input, frame), maxPixels);
    if (isPixels(input)) return fromPixels(onlyOne(input, frame), maxPixels);
    return await runtime.decode(input, imageLimits(options), frame);
  } catch (error) {
    // Getters and proxies may throw anything, anywhere.
    if (error instanceof FerError) throw error;
    throw new FerError('INPUT', `${describeInput(input)} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Rule for the option `frame`. */
export const frameRule: Rule = integer(0);

function onlyOne<Image>(image: Image, frame: number): Image {
  if (frame === 0) return image;
  throw new FerError('OPTION', `there is no frame ${frame} of pixels`);
}

/** A `PixelImage`, or an `ImageData` (which has no `channels`: always 4), whose levels may be floats from 0 to 1. */
type Pixels = Omit<PixelImage, 'channels'> & { channels?: number; colorSpace?: string };

function isPixels(input: unknown): input is Pixels {
  if (typeof input !== 'object' || input === null) return false;
  if (!('data' in input && 'width' in input && 'height' in input)) return false;
  // The platform converts colours of other colour spaces.
  return !('colorSpace' in input) || 'channels' in input || input.colorSpace === 'srgb';
}

function fromPixels(image: Pixels, maxPixels: number): Raster {
  const { data, width, height, channels = 4 } = image;
  const floats = 'colorSpace' in image && !('channels' in image) && kindOf(data) === 'Float16Array';
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new FerError('CHANNELS', `an image has 1, 3 or 4 channels, got ${describeInput(channels)}`);
  }
  if (!floats && !isLevels(data)) {
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
  return { data: floats ? levelsOfFloats(data) : data, width, height, channels };
}

/** Levels of an `ImageData` of `rgba-float16`; colours outside sRGB are below 0 or above 1. */
function levelsOfFloats(data: ArrayLike<number>): Float32Array {
  const levels = new Float32Array(data.length);
  for (let k = 0; k < levels.length; k++) {
    if (!Number.isFinite(data[k])) throw new FerError('NOT_FINITE', `the image contains ${data[k]} at ${k}`);
    levels[k] = Math.min(Math.max(data[k], 0), 1) * 255;
  }
  return levels;
}

function isLevels(data: unknown): data is PixelImage['data'] {
  return ArrayBuffer.isView(data) && /^Uint8(Clamped)?Array$/.test(kindOf(data));
}

/** Checked by name, because arrays of another window or worker are not instances of this one's classes. */
function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
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

  // A copy, because tensors of the cpu backend return their own memory.
  const data = new Float32Array(await tensor.data());
  if (data.length !== width * height * channels) {
    throw new FerError('SHAPE', `an image tensor of shape [${shape}] holds ${data.length} levels`);
  }
  for (let k = 0; k < data.length; k++) {
    const level = data[k];
    if (level >= 0 && level <= 255) continue;
    const place = `[${Math.floor(k / channels / width)}, ${Math.floor(k / channels) % width}, ${k % channels}]`;
    if (!Number.isFinite(level)) throw new FerError('NOT_FINITE', `the image tensor contains ${level} at ${place}`);
    if (level < -SLACK || level > 255 + SLACK) {
      throw new FerError('INPUT', `image tensors are on the 0..255 scale, got ${level} at ${place}`);
    }
    data[k] = Math.min(Math.max(level, 0), 255);
  }
  return { data, width, height, channels };
}

/** Tolerance for rounding at the ends of the scale. */
const SLACK = 0.01;
