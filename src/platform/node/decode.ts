import { closeSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { describeInput } from '../../describe-input.js';
import { FerError, joinLines, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { ByteBudget } from '../byte-budget.js';
import { checkPixelCount } from '../check-pixel-count.js';
import { bytesOfDataAddress, isDataAddress } from '../data-address.js';
import { checkFrameCount } from '../frame-count.js';
import { FORMAT_HEAD_BYTES, imageFormat, readFormat } from '../image-format.js';
import { checkByteCount, type DecodeLimits } from '../image-limits.js';
import { timeoutOf, withinTime } from '../within-time.js';
import { type DecodeWork, decodeWork } from './decode-work.js';
import { decodeSmallJpeg } from './small-jpeg.js';

/**
 * Decodes an image file or its bytes: JPEG, PNG, WebP, AVIF, GIF or TIFF, told by content; small JPEGs in this thread, all else
 * with sharp.
 *
 * The result is upright by the EXIF orientation, in sRGB (an embedded profile is applied; CMYK is converted), 8 bits a
 * channel (16-bit images keep their high byte); of an animation, the first frame. Grey images with alpha are composited
 * on black, so that the result has 1, 3 or 4 channels.
 *
 * @param input - A path, a `file:` URL, a `data:` address, or encoded bytes as `Buffer`, `Uint8Array`, `ArrayBuffer` or `Blob`.
 * @throws FerError `NOT_FOUND` for a file that cannot be opened, `INPUT` for a folder or another kind of value, `DECODE`
 * for bytes that are no image or a broken one, `TOO_LARGE` over a limit (before anything is decoded),
 * `TIMEOUT` after `maxMilliseconds`, `PACKAGE_MISSING` when sharp does not load.
 */
export async function decode(input: unknown, limits: DecodeLimits): Promise<PixelImage> {
  const name = nameOf(input);
  return withinTime(decodeNow(input, name, limits), limits.maxMilliseconds, name);
}

async function decodeNow(input: unknown, name: string, limits: DecodeLimits): Promise<PixelImage> {
  const bytes = await load(input, name, limits.maxBytes);
  const format = imageFormat(bytes.subarray(0, FORMAT_HEAD_BYTES), name);
  checkFrameCount(bytes, format, limits.maxFrames, name);
  const small = format === 'jpeg' ? await decodeSmallJpeg(bytes, limits.maxPixels) : null;
  if (small) return small;

  const sharp = await loadSharp();
  const readHeader = () => sharp(bytes, { limitInputPixels: false }).metadata();
  const work = await decodeWork(bytes, format, readHeader);
  const refusal = work && refusalOf(work, limits, name);
  if (refusal) {
    // Nonsense behind the first bytes of a format claims any size.
    await readHeader().catch((error) => {
      throw broken(name, error);
    });
    throw refusal;
  }
  const held = work?.bytes ?? 0;
  await room.take(held);
  try {
    return await decodeWithSharp(sharp, bytes, limits, name);
  } finally {
    room.give(held);
  }
}

/** Memory that this thread decodes in at a time; an image that takes more is decoded alone. */
const room = new ByteBudget(256e6);

/** What `maxWork` 1 is. */
const WORK_MS = 2000;
const WORK_BYTES = 512e6;

function refusalOf(
  { width, height, milliseconds, bytes }: DecodeWork,
  { maxPixels, maxWork }: DecodeLimits,
  name: string,
): FerError | null {
  try {
    checkPixelCount(width, height, maxPixels, name);
  } catch (error) {
    return error as FerError;
  }
  if (milliseconds <= WORK_MS * maxWork && bytes <= WORK_BYTES * maxWork) return null;
  const estimate = `some ${(milliseconds / 1000).toFixed(1)} s and ${Math.round(bytes / 1e6)} MB`;
  const limit = `${(WORK_MS / 1000) * maxWork} s and ${(WORK_BYTES / 1e6) * maxWork} MB`;
  const message = `${name} is ${width}x${height}: decoding it may take ${estimate}, over the limit of ${limit}; maxWork raises it`;
  return new FerError('TOO_LARGE', message);
}

async function decodeWithSharp(
  sharp: typeof import('sharp').default,
  bytes: Uint8Array,
  limits: DecodeLimits,
  name: string,
): Promise<PixelImage> {
  // sharp compares the header's size with the limit before it decodes; it takes whole numbers only.
  const limitInputPixels = Math.min(Math.floor(limits.maxPixels), Number.MAX_SAFE_INTEGER);
  const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels, autoOrient: true })
    // Ends the work, too, when nobody waits for it any more.
    .timeout({ seconds: wholeSeconds(limits.maxMilliseconds) })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(async (error) => {
      if (limits.maxMilliseconds < Number.POSITIVE_INFINITY && /timeout/i.test(reasonOf(error))) {
        throw timeoutOf(name, limits.maxMilliseconds, error);
      }
      const header = await sharp(bytes, { limitInputPixels: false })
        .metadata()
        .catch(() => null);
      if (header) checkPixelCount(header.width, header.height, limits.maxPixels, name);
      throw broken(name, error);
    });
  const { width, height, channels } = info;
  if (channels === 2) return { data: onBlack(data), width, height, channels: 1 };
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels };
}

/** What the image is called in messages. */
function nameOf(input: unknown): string {
  if (typeof input !== 'string') return describeInput(input);
  const path: string = input;
  if (isDataAddress(input)) return describeInput(input);
  return path.length > LONGEST_NAME ? `${path.slice(0, LONGEST_NAME)}...` : path;
}

/** Letters of a name in a message. */
const LONGEST_NAME = 200;

/** For sharp, which counts to an hour; 0 is no limit. */
function wholeSeconds(milliseconds: number): number {
  return milliseconds <= 3_600_000 ? Math.ceil(milliseconds / 1000) : 0;
}

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
    // sharp takes no shared memory, which could also change while it is decoded.
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
    `${name} is no image: pass a path, encoded bytes, { data, width, height, channels } or a tensor`,
  );
}

/** Says what base64 is that came without its address: as a path, it would not be found. */
function refuseBase64(text: string, name: string): void {
  const head = text.slice(0, 400);
  if (head.length < 64 || !/^[\w+/=-]+$/.test(head)) return;
  const format = readFormat(Buffer.from(head, 'base64'));
  if (format === null) return;
  const beginning = name.slice(0, 24);
  throw new FerError(
    'INPUT',
    `${beginning}... is the base64 of a ${format}, no path: pass Buffer.from(text, 'base64')`,
  );
}

function urlOf(input: unknown): URL | null {
  if (input instanceof URL) return input;
  // Not any word before a colon: C: is a drive.
  if (typeof input !== 'string' || !/^(https?|blob|file):/i.test(input)) return null;
  return URL.canParse(input) ? new URL(input) : null;
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new FerError('NOT_FOUND', `${url.href} names no file: ${reasonOf(error)}`, { cause: error });
  }
}

function readImageFile(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  // A thread of its own has nothing else to do, and each wait for another thread costs it more than the reading.
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

/** Asked before opening, which would wait for ever on a pipe. */
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

/** Loaded when the first image is decoded: sharp takes longer to load than all the rest. */
function loadSharp() {
  sharpModule ??= import('sharp').then(
    (module) => module.default,
    (error) => {
      sharpModule = undefined;
      throw new FerError('PACKAGE_MISSING', `the package sharp does not load: ${reasonOf(error)}`, { cause: error });
    },
  );
  return sharpModule;
}

let sharpModule: Promise<typeof import('sharp').default> | undefined;

function broken(name: string, error: unknown): FerError {
  return new FerError('DECODE', `${name} cannot be decoded: ${joinLines(reasonOf(error))}`, { cause: error });
}

/** Grey and alpha, interleaved, to grey. */
function onBlack(data: Uint8Array): Uint8Array {
  const grey = new Uint8Array(data.length / 2);
  for (let k = 0; k < grey.length; k++) grey[k] = Math.round((data[2 * k] * data[2 * k + 1]) / 255);
  return grey;
}
