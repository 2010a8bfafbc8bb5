import { closeSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { describeInput } from '../../describe-input.js';
import { FerError, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { bytesOfDataAddress, isDataAddress } from '../data-address.js';
import { checkFrameCount } from '../frame-count.js';
import { FORMAT_HEAD_BYTES, type ImageFormat, imageFormat, readFormat } from '../image-format.js';
import { checkByteCount, type DecodeLimits } from '../image-limits.js';
import { withinTime } from '../within-time.js';
import { decodeBytes } from './decode-bytes.js';
import { decodeSmallJpeg } from './small-jpeg.js';

/**
 * Decodes an image file or its bytes: JPEG, PNG, WebP, AVIF, GIF or TIFF, recognised by content. Small JPEGs are decoded in this thread, everything
 * else with sharp. With `maxMilliseconds`, sharp runs in a separate process, which is stopped after that time.
 *
 * The result is upright by the EXIF orientation, in sRGB (an embedded profile is applied; CMYK is converted), 8 bits per
 * channel (16-bit images keep their high byte); one frame of an animation. Grey images with alpha are composited
 * on black, so that the result has 1, 3 or 4 channels.
 *
 * @param input - A path, a `file:` URL, a `data:` address, or encoded bytes as `Buffer`, `Uint8Array`, `ArrayBuffer` or `Blob`.
 * @throws FerError `NOT_FOUND` for a file that cannot be opened, `INPUT` for a folder or another kind of value, `DECODE`
 * for bytes that are not an image, or a broken image, `TOO_LARGE` over a limit (before anything is decoded),
 * `TIMEOUT` after `maxMilliseconds`, `OPTION` for a frame that does not exist, `PACKAGE_MISSING` when sharp does not load.
 */
export async function decode(input: unknown, limits: DecodeLimits, frame = 0): Promise<PixelImage> {
  const name = nameOf(input);
  const { maxMilliseconds } = limits;
  const read = await withinTime(readImage(input, name, limits, frame), maxMilliseconds, name);
  if ('pixels' in read) return read.pixels;
  const { bytes, format } = read;
  if (frame === 0 && maxMilliseconds < Number.POSITIVE_INFINITY) {
    // Native code in this process cannot be stopped, and would occupy a thread that also reads files.
    const { decodeApart } = await import('./decode-apart.js');
    const pixels = await decodeApart(bytes, format, limits, name);
    if (pixels) return pixels;
  }
  return withinTime(decodeBytes(bytes, format, limits, name, frame), maxMilliseconds, name);
}

/** Small images are decoded immediately. */
async function readImage(
  input: unknown,
  name: string,
  { maxBytes, maxFrames, maxPixels }: DecodeLimits,
  frame: number,
): Promise<{ bytes: Uint8Array; format: ImageFormat } | { pixels: PixelImage }> {
  const bytes = await load(input, name, maxBytes);
  const format = imageFormat(bytes.subarray(0, FORMAT_HEAD_BYTES), name);
  checkFrameCount(bytes, format, maxFrames, name);
  const pixels = format === 'jpeg' && frame === 0 ? await decodeSmallJpeg(bytes, maxPixels) : null;
  return pixels ? { pixels } : { bytes, format };
}
/** Name of the image in messages. */
function nameOf(input: unknown): string {
  if (typeof input !== 'string' || input === '') return describeInput(input);
  const path: string = input;
  if (isDataAddress(input)) return describeInput(input);
  return path.length > LONGEST_NAME ? `${path.slice(0, LONGEST_NAME)}...` : path;
}

/** Most characters of a name in a message. */
const LONGEST_NAME = 200;

async function load(input: unknown, name: string, maxBytes: number): Promise<Uint8Array> {
  if (isDataAddress(input)) return bytesOfDataAddress(input, name, maxBytes);
  const url = urlOf(input);
  if (url && url.protocol !== 'file:') {
    throw new FerError('INPUT', `${name} is not read from the network: fetch it and pass the bytes`);
  }
  if (url) return readImageFile(pathOf(url), name, maxBytes);
  if (typeof input === 'string') {
    refuseBase64(input, name);
    return readImageFile(input, name, maxBytes);
  }
  if (ArrayBuffer.isView(input)) {
    checkByteCount(input.byteLength, maxBytes, name);
    const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    // sharp does not accept shared memory, which could also change during decoding.
    return bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  }
  if (input instanceof Blob) {
    checkByteCount(input.size, maxBytes, name);
    imageFormat(new Uint8Array(await input.slice(0, FORMAT_HEAD_BYTES).arrayBuffer()), name);
    return new Uint8Array(await input.arrayBuffer());
  }
  if (Object.prototype.toString.call(input) === '[object ArrayBuffer]') {
    checkByteCount((input as ArrayBuffer).byteLength, maxBytes, name);
    return new Uint8Array(input as ArrayBuffer);
  }
  throw new FerError(
    'INPUT',
    `${name} is not an image: pass a path, encoded bytes, { data, width, height, channels } or a tensor`,
  );
}

/** Detects base64 without a `data:` address, which would be searched as a path. */
function refuseBase64(text: string, name: string): void {
  const head = text.slice(0, 400);
  if (head.length < 64 || !/^[\w+/=-]+$/.test(head)) return;
  const format = readFormat(Buffer.from(head, 'base64'));
  if (format === null) return;
  const beginning = name.slice(0, 24);
  throw new FerError(
    'INPUT',
    `${beginning}... is the base64 of a ${format}, not a path: pass Buffer.from(text, 'base64')`,
  );
}

function urlOf(input: unknown): URL | null {
  if (input instanceof URL) return input;
  // Not every word before a colon: C: is a drive.
  if (typeof input !== 'string' || !/^(https?|blob|file):/i.test(input)) return null;
  return URL.canParse(input) ? new URL(input) : null;
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new FerError('NOT_FOUND', `${url.href} is not the address of a file: ${reasonOf(error)}`, { cause: error });
  }
}

function readImageFile(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  // A worker thread has nothing else to do, and each wait for another thread costs more than reading.
  return isMainThread ? readAside(path, name, maxBytes) : readAtOnce(path, name, maxBytes);
}

async function readAside(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  checkFile(await stat(path).catch((error) => throwNotFound(name, error)), name, maxBytes);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const head = new Uint8Array(FORMAT_HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    imageFormat(head.subarray(0, bytesRead), name);
    return await file.readFile();
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    await file?.close();
  }
}

async function readAtOnce(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  let found: Stats;
  try {
    found = statSync(path);
  } catch (error) {
    throwNotFound(name, error);
  }
  checkFile(found, name, maxBytes);
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = new Uint8Array(FORMAT_HEAD_BYTES);
    imageFormat(head.subarray(0, readSync(file, head, 0, head.length, 0)), name);
    return readFileSync(file);
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Checked before opening, which would wait forever on a pipe. */
function checkFile(found: Stats, name: string, maxBytes: number): void {
  if (found.isDirectory()) throw new FerError('INPUT', `${name} is a folder, not an image`);
  if (!found.isFile()) throw new FerError('INPUT', `${name} is not a regular file`);
  checkByteCount(found.size, maxBytes, name);
}

function throwNotFound(name: string, error: unknown): never {
  throw new FerError('NOT_FOUND', `${name} cannot be found: ${reasonOf(error).slice(0, 2 * LONGEST_NAME)}`, {
    cause: error,
  });
}

function unreadable(name: string, error: unknown): FerError {
  if (error instanceof FerError) return error;
  return new FerError('NOT_FOUND', `${name} cannot be read: ${reasonOf(error).slice(0, 2 * LONGEST_NAME)}`, {
    cause: error,
  });
}
