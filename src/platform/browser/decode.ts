import { imageDimensionsFromData } from 'image-dimensions';
import { describeInput } from '../../describe-input.js';
import { FerError, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { checkPixelCount } from '../check-pixel-count.js';
import { bytesOfDataAddress, isDataAddress } from '../data-address.js';
import { checkFrameCount } from '../frame-count.js';
import { FORMAT_HEAD_BYTES, imageFormat } from '../image-format.js';
import { checkByteCount, type DecodeLimits } from '../image-limits.js';
import { withinTime } from '../within-time.js';

/**
 * Reads an image with the browser's own decoders, in a window or in a worker.
 *
 * The result is upright by the EXIF orientation, in sRGB, composited on black, RGBA with alpha 255. Formats are those of
 * the browser: all read JPEG, PNG, WebP, AVIF and GIF; few read TIFF. Browsers that disguise canvas contents against
 * fingerprinting add their noise here too.
 *
 * @param input - `<img>` (waited for), `<canvas>`, `<video>`, `OffscreenCanvas`, `ImageBitmap`, `ImageData`, or encoded
 * bytes as `Blob`, `ArrayBuffer`, `Uint8Array` or `data:` address.
 * @throws FerError `INPUT` for another kind of value, a video without a frame, or an image of another site that may not
 * be read; `DECODE` for bytes that are no image or a broken one; `TOO_LARGE` over a limit; `TIMEOUT` after
 * `maxMilliseconds`.
 */
export async function decode(input: unknown, limits: DecodeLimits): Promise<PixelImage> {
  return withinTime(decodeNow(input, limits), limits.maxMilliseconds, describeInput(input));
}

async function decodeNow(input: unknown, limits: DecodeLimits): Promise<PixelImage> {
  if (isDataAddress(input))
    return decodeBytes(bytesOfDataAddress(input, describeInput(input), limits.maxBytes), limits);
  const kind = kindOf(input);
  const draw = drawable[kind];
  if (draw) return readPixels(await draw(input as never, limits), limits, describeInput(input));
  if (kind === 'Blob' || kind === 'File' || kind === 'ArrayBuffer' || ArrayBuffer.isView(input)) {
    return decodeBytes(input as Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>, limits);
  }
  throw new FerError('INPUT', `${describeInput(input)} is no image: ${adviceFor(input)}`);
}

/** Something to draw, with its size in pixels of its own. */
interface Drawing {
  source: CanvasImageSource;
  width: number;
  height: number;
  close?: () => void;
}

/** By the name of the class, because an element of another window is no instance of this one's classes. */
const drawable: Record<string, ((input: never, limits: DecodeLimits) => Promise<Drawing>) | undefined> = {
  async HTMLImageElement(image: HTMLImageElement, limits: DecodeLimits) {
    if (!image.complete) await loaded(image);
    // A data: URL can be as long as the image.
    const url = (image.currentSrc || image.src).slice(0, 200);
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width === 0) {
      throw new FerError('DECODE', url ? `the <img> is broken or has no size: ${url}` : 'the <img> has no src');
    }
    checkPixelCount(width, height, limits.maxPixels, `the <img> ${url}`);
    // Refuses a truncated one, which would be drawn as far as it goes. Then the <img> itself is drawn all the same:
    // bitmaps of an <img> round 16-bit levels, which are cut to their high byte elsewhere.
    (await bitmapOf(image, `the <img> ${url}`)).close?.();
    return { source: image, width, height };
  },

  async HTMLVideoElement(video: HTMLVideoElement) {
    if (video.readyState < 2 || video.videoWidth === 0) {
      throw new FerError('INPUT', 'the <video> has no frame yet: wait for its event "loadeddata"');
    }
    return { source: video, width: video.videoWidth, height: video.videoHeight };
  },

  async HTMLCanvasElement(canvas: HTMLCanvasElement) {
    return sized(canvas, 'the <canvas>');
  },

  async OffscreenCanvas(canvas: OffscreenCanvas) {
    return sized(canvas, 'the OffscreenCanvas');
  },

  async ImageBitmap(bitmap: ImageBitmap) {
    return sized(bitmap, 'the ImageBitmap (is it closed?)');
  },

  async ImageData(data: ImageData) {
    return bitmapOf(data, 'the ImageData');
  },
};

/** Waits for the size and the bytes only: `image.decode()` would decode an image of any size. */
function loaded(image: HTMLImageElement): Promise<void> {
  return new Promise((resolve) => {
    image.addEventListener('load', () => resolve(), { once: true });
    image.addEventListener('error', () => resolve(), { once: true });
    // A lazy one outside the page would never load.
    image.loading = 'eager';
  });
}

function sized(source: HTMLCanvasElement | OffscreenCanvas | ImageBitmap, name: string): Drawing {
  const { width, height } = source;
  if (width === 0 || height === 0) throw new FerError('INPUT', `${name} has no pixels: ${width}x${height}`);
  return { source, width, height };
}

async function decodeBytes(
  input: Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>,
  limits: DecodeLimits,
): Promise<PixelImage> {
  const name = describeInput(input);
  checkByteCount(input instanceof Blob ? input.size : input.byteLength, limits.maxBytes, name);
  const blob = input instanceof Blob ? input : new Blob([input]);
  const head = new Uint8Array(await blob.slice(0, FORMAT_HEAD_BYTES).arrayBuffer());
  const format = imageFormat(head, name);

  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (limits.maxFrames < Number.POSITIVE_INFINITY) {
    checkFrameCount(bytes, format, limits.maxFrames, name);
  }
  const size = headerSize(bytes, name);
  if (size === undefined && format !== 'tiff')
    throw new FerError('DECODE', `${name} cannot be decoded: it has no size`);
  if (size !== undefined) checkPixelCount(size.width, size.height, limits.maxPixels, name);
  // Under its true type: a browser may refuse bytes that come under a wrong one.
  const typed = new Blob([bytes], { type: `image/${format}` });
  return readPixels(await bitmapOf(typed, `${name} (${format})`), limits, name);
}

async function bitmapOf(source: ImageBitmapSource, name: string): Promise<Drawing> {
  try {
    const bitmap = await createImageBitmap(source, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'default',
      // Left to the canvas, which rounds to nearest where the WebP decoder does not.
      premultiplyAlpha: 'none',
    });
    return { source: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() };
  } catch (error) {
    throw new FerError('DECODE', `${name} cannot be decoded by this browser: ${reasonOf(error)}`, { cause: error });
  }
}

/** TIFF, which few browsers show, is not read here: its size is checked after decoding. */
function headerSize(bytes: Uint8Array, name: string): { width: number; height: number } | undefined {
  try {
    return imageDimensionsFromData(bytes);
  } catch (error) {
    throw new FerError('DECODE', `${name} cannot be decoded: ${reasonOf(error)}`, { cause: error });
  }
}

/** Canvas sides and areas are limited, so that a large image goes through in bands of about this many pixels. */
const BAND_PIXELS = 4e6;

function readPixels({ source, width, height, close }: Drawing, limits: DecodeLimits, name: string): PixelImage {
  try {
    checkPixelCount(width, height, limits.maxPixels, name);
    const bandHeight = Math.min(height, Math.max(Math.floor(BAND_PIXELS / width), 1));
    const context = openCanvas(width, bandHeight);
    if (bandHeight === height) {
      return { data: readBand(context, source, width, 0, height), width, height, channels: 4 };
    }

    const data = new Uint8ClampedArray(width * height * 4);
    for (let y = 0; y < height; y += bandHeight) {
      data.set(readBand(context, source, width, y, Math.min(bandHeight, height - y)), y * width * 4);
    }
    return { data, width, height, channels: 4 };
  } catch (error) {
    if (error instanceof FerError) throw error;
    if (error instanceof Error && error.name === 'SecurityError') {
      throw new FerError(
        'INPUT',
        `${name} comes from another site that does not let it be read: set crossOrigin = "anonymous" before src, ` +
          'and have the server send Access-Control-Allow-Origin',
        { cause: error },
      );
    }
    throw new FerError('DECODE', `${name} cannot be read: ${reasonOf(error)}`, { cause: error });
  } finally {
    close?.();
  }
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

function openCanvas(width: number, height: number): Context {
  // Without alpha the canvas starts as opaque black; one that is read often is kept off the GPU, which may round otherwise.
  const settings = { alpha: false, colorSpace: 'srgb', willReadFrequently: true } as const;
  let context: Context | null = null;
  if (typeof OffscreenCanvas !== 'undefined') {
    context = new OffscreenCanvas(width, height).getContext('2d', settings);
  } else if (typeof document !== 'undefined') {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    context = canvas.getContext('2d', settings) as CanvasRenderingContext2D | null;
  }
  if (!context) throw new FerError('INPUT', 'no 2D canvas here to read images with: pass ImageData or a PixelImage');
  context.imageSmoothingEnabled = false;
  return context;
}

/** Rows top .. top + height - 1 of the source. */
function readBand(context: Context, source: CanvasImageSource, width: number, top: number, height: number) {
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

function kindOf(input: unknown): string {
  return Object.prototype.toString.call(input).slice(8, -1);
}

function adviceFor(input: unknown): string {
  if (typeof input === 'string' || input instanceof URL) {
    return 'browsers have no paths; pass an <img>, or the Blob of (await fetch(url)).blob()';
  }
  return 'pass an <img>, <canvas>, <video>, ImageBitmap, ImageData, Blob, encoded bytes or { data, width, height, channels }';
}
