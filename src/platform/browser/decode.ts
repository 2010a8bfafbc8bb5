import { describeInput } from '../../describe-input.js';
import { FerError, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { checkPixelCount } from '../check-pixel-count.js';
import { bytesOfDataAddress, isDataAddress } from '../data-address.js';
import { checkFrameCount } from '../frame-count.js';
import { FORMAT_HEAD_BYTES, type ImageFormat, imageFormat, otherFormat, readFormat } from '../image-format.js';
import { checkByteCount, type DecodeLimits } from '../image-limits.js';
import { withinTime } from '../within-time.js';
import { headerSize } from './header-size.js';

/**
 * Reads an image with the browser's own decoders, in a window or in a worker.
 *
 * The result is upright by the EXIF orientation, in sRGB, RGBA: composited on black with alpha 255, or with straight alpha.
 * The formats depend on the browser: all read JPEG, PNG, WebP, AVIF and GIF; some also read TIFF, BMP, HEIC or JPEG XL.
 *
 * Levels are the same as in Node, with the exceptions in docs/troubleshooting.md. A canvas rounds levels with alpha or 16
 * bits: such PNGs are decoded without a canvas.
 *
 * @param input - `<img>` (awaited), `<canvas>`, `<video>`, `OffscreenCanvas`, `ImageBitmap`, `VideoFrame`, `ImageData`, or
 * encoded bytes as `Blob`, `ArrayBuffer`, `Uint8Array` or `data:` address.
 * @throws FerError `INPUT` for another kind of value, a video without a frame, or an image of another site that may not
 * be read; `DECODE` for bytes that are not an image, or a broken image; `TOO_LARGE` over a limit; `TIMEOUT` after
 * `maxMilliseconds`; `OPTION` for a frame that does not exist; `CANVAS` if the browser hides the pixels of canvases.
 */
export async function decode(input: unknown, limits: DecodeLimits, frame = 0): Promise<PixelImage> {
  return withinTime(decodeNow(input, limits, frame), limits.maxMilliseconds, describeInput(input));
}

async function decodeNow(input: unknown, limits: DecodeLimits, frame: number): Promise<PixelImage> {
  if (isDataAddress(input))
    return decodeBytes(bytesOfDataAddress(input, describeInput(input), limits.maxBytes), limits, frame);
  const kind = kindOf(input);
  if (kind === 'Blob' || kind === 'File' || kind === 'ArrayBuffer' || ArrayBuffer.isView(input)) {
    return decodeBytes(input as Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>, limits, frame);
  }
  const draw = drawable[kind];
  if (draw) {
    if (frame > 0) throw new FerError('OPTION', `frame ${frame}: frames are read only from a Blob`);
    return readPixels(await draw(input as never, limits), limits, describeInput(input));
  }
  throw new FerError('INPUT', `${describeInput(input)} is not an image: ${adviceFor(input)}`);
}

/** Something to draw, with its size in its own pixels. */
interface Drawing {
  source: CanvasImageSource;
  width: number;
  height: number;
  close?: () => void;
}

/** Checked by the name of the class, because an element of another window is not an instance of this one's classes. */
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
    // Refuses a truncated image, which would be drawn partially. Otherwise the <img> itself is drawn:
    // bitmaps of an <img> round 16-bit levels, but elsewhere only the high byte is used.
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

  async VideoFrame(frame: VideoFrame) {
    const { displayWidth: width, displayHeight: height } = frame;
    if (width === 0 || height === 0) throw new FerError('INPUT', 'the VideoFrame has no pixels (is it closed?)');
    return { source: frame, width, height };
  },

  async ImageData(data: ImageData) {
    return bitmapOf(data, 'the ImageData');
  },
};

/** Waits only for the size and the bytes: `image.decode()` would decode an image of any size. */
function loaded(image: HTMLImageElement): Promise<void> {
  return new Promise((resolve) => {
    image.addEventListener('load', () => resolve(), { once: true });
    image.addEventListener('error', () => resolve(), { once: true });
    // A lazy image outside the page would never load.
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
  frame: number,
): Promise<PixelImage> {
  const name = describeInput(input);
  const blob = 'size' in input ? input : new Blob([input]);
  checkByteCount(blob.size, limits.maxBytes, name);
  const head = new Uint8Array(await blob.slice(0, FORMAT_HEAD_BYTES).arrayBuffer());
  const format = readFormat(head);
  // Other formats that contain only pixels are left to the browser: Safari shows HEIC, most browsers show BMP.
  const type = format === null ? otherFormat(head).mediaType : `image/${format}`;
  if (type === undefined) imageFormat(head, name);

  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (format !== null && limits.maxFrames < Number.POSITIVE_INFINITY) {
    checkFrameCount(bytes, format, limits.maxFrames, name);
  }
  const size = headerSize(bytes);
  if (size) checkPixelCount(...size, limits.maxPixels, name);
  else if (format !== null && format !== 'tiff')
    throw new FerError('DECODE', `${name} cannot be decoded: it has no size`);

  if (frame > 0 || needsOwnDecoder(bytes, format)) {
    try {
      const own = await import('./own-decoders.js');
      if (frame === 0) return { ...(await own.decodePng(bytes)), channels: 4 };
      return readPixels(await own.frameOf(bytes, type!, frame), limits, name);
    } catch (error) {
      if (error instanceof RangeError) throw new FerError('OPTION', `${name}: ${reasonOf(error)}`);
      throw undecodable(name, error);
    }
  }
  // With its true type: a browser may refuse bytes with a wrong type.
  const typed = new Blob([bytes], { type });
  try {
    return readPixels(await bitmapOf(typed, `${name} (${format ?? type})`), limits, name);
  } catch (error) {
    // Names the format, and how to convert it.
    if (format === null && error instanceof FerError && error.code === 'DECODE') imageFormat(head, name);
    throw error;
  }
}

function undecodable(name: string, error: unknown): FerError {
  if (error instanceof FerError) return error;
  return new FerError('DECODE', `${name} cannot be decoded: ${reasonOf(error)}`, { cause: error });
}

/**
 * Whether a canvas would change a PNG's levels: by rounding alpha or 16-bit levels, or by a gamma, which libvips
 * ignores in Node. The browser decodes PNGs with a colour profile, because it can apply the profile.
 */
function needsOwnDecoder(bytes: Uint8Array, format: ImageFormat | null): boolean {
  if (format !== 'png' || typeof DecompressionStream === 'undefined') return false;
  // Service workers forbid import(): in them the browser decodes, and may round.
  if ('ServiceWorkerGlobalScope' in globalThis) return false;
  // The relevant chunks come before the pixels.
  const head = String.fromCharCode(...bytes.subarray(0, 4096));
  if (/iCCP|cICP/.test(head)) return false;
  // Bits per sample; the colour types 4 and 6 have alpha.
  return bytes[24] === 16 || bytes[25] > 3 || /tRNS/.test(head) || (/gAMA|cHRM/.test(head) && !/sRGB/.test(head));
}

async function bitmapOf(source: ImageBitmapSource, name: string): Promise<Drawing> {
  try {
    const bitmap = await createImageBitmap(source, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'default',
      // Left to the canvas, which rounds to nearest; the WebP decoder does not.
      premultiplyAlpha: 'none',
    });
    return { source: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() };
  } catch (error) {
    throw new FerError('DECODE', `${name} cannot be decoded by this browser: ${reasonOf(error)}`, { cause: error });
  }
}

/** Canvas sides and areas are limited, so a large image is read in bands of about this many pixels. */
const BAND_PIXELS = 4e6;

function readPixels({ source, width, height, close }: Drawing, limits: DecodeLimits, name: string): PixelImage {
  try {
    checkPixelCount(width, height, limits.maxPixels, name);
    const bandHeight = Math.min(height, Math.max(Math.floor(BAND_PIXELS / width), 1));
    checkCanvas();
    const context = openCanvas(width, bandHeight);
    const read = (ground: number) => {
      if (bandHeight === height) return readBand(context, source, width, 0, height, ground);
      const data = new Uint8ClampedArray(width * height * 4);
      for (let y = 0; y < height; y += bandHeight) {
        data.set(readBand(context, source, width, y, Math.min(bandHeight, height - y), ground), y * width * 4);
      }
      return data;
    };
    const data = read(BLACK);
    // A pixel that takes the colour of any background is transparent, and gets alpha 0.
    if (isAll(BLACK, data) && isAll(WHITE, read(WHITE))) data.fill(0);
    return { data, width, height, channels: 4 };
  } catch (error) {
    // An image of another site can never be read from it again.
    kept = null;
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

/** Frames of a camera have one size, and a new canvas costs more than reading it: one of up to 4 MB is kept. */
let kept: Context | null = null;

function openCanvas(width: number, height: number): Context {
  if (kept?.canvas.width === width && kept.canvas.height === height) return kept;
  // Without alpha, the canvas starts as opaque black. `willReadFrequently` keeps it off the GPU, which may round differently.
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
  if (width * height < 1e6) kept = context;
  return context;
}

const BLACK = 0;
const WHITE = 255;

/** Rows top .. top + height - 1 of the source, on a background of that level. */
function readBand(
  context: Context,
  source: CanvasImageSource,
  width: number,
  top: number,
  height: number,
  ground: number,
) {
  context.fillStyle = `rgb(${ground},${ground},${ground})`;
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

function isAll(level: number, data: Uint8ClampedArray): boolean {
  for (let k = 0; k < data.length; k++) if (data[k] !== level && k % 4 !== 3) return false;
  return true;
}

/**
 * Refuses a browser that returns other pixels than those that were drawn, as protection against fingerprinting. Noise in the
 * lowest bits, as in Brave, hardly changes the result and is accepted.
 */
function checkCanvas(): void {
  if (isHonest) return;
  const context = openCanvas(PATTERN_SIDE, PATTERN_SIDE);
  const drawn = context.createImageData(PATTERN_SIDE, PATTERN_SIDE);
  // With many colours, because a single colour is not changed.
  for (let k = 0; k < drawn.data.length; k++) drawn.data[k] = k % 4 === 3 ? 255 : (k * 89) % 256;
  context.putImageData(drawn, 0, 0);
  const { data } = context.getImageData(0, 0, PATTERN_SIDE, PATTERN_SIDE);
  isHonest = data.every((level, k) => Math.abs(level - drawn.data[k]) <= MOST_NOISE);
  if (isHonest) return;
  throw new FerError(
    'CANVAS',
    'this browser hides the pixels of a canvas: allow this site to read canvases, or pass pixels',
  );
}

/** After a true answer, the check is not repeated. After a refusal it is, because a user may allow canvases later. */
let isHonest = false;

const PATTERN_SIDE = 16;
const MOST_NOISE = 3;

function kindOf(input: unknown): string {
  return Object.prototype.toString.call(input).slice(8, -1);
}

function adviceFor(input: unknown): string {
  if (typeof input === 'string' || input instanceof URL) {
    return 'browsers have no paths; pass an <img>, or the Blob of (await fetch(url)).blob()';
  }
  return 'pass an <img>, <canvas>, <video>, ImageBitmap, VideoFrame, ImageData, Blob, encoded bytes or { data, width, height, channels }';
}
