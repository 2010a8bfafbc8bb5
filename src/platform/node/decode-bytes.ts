import { FerError, joinLines, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import { ByteBudget } from '../byte-budget.js';
import { checkPixelCount } from '../check-pixel-count.js';
import type { ImageFormat } from '../image-format.js';
import type { DecodeLimits } from '../image-limits.js';
import { timeoutOf } from '../within-time.js';
import { type DecodeWork, decodeWork } from './decode-work.js';

/**
 * Decodes the bytes of an image with sharp, unless its header shows that this exceeds the limits.
 *
 * @param name - Name of the image in messages.
 * @throws FerError `DECODE`, `TOO_LARGE`, `PACKAGE_MISSING`; `TIMEOUT`, at most a second after `maxMilliseconds`.
 */
export async function decodeBytes(
  bytes: Uint8Array,
  format: ImageFormat,
  limits: DecodeLimits,
  name: string,
  frame = 0,
): Promise<PixelImage> {
  const sharp = await loadSharp();
  const readHeader = () => sharp(bytes, { limitInputPixels: false }).metadata();
  if (frame > 0) await checkFrame(frame, readHeader, name);
  const work = await decodeWork(bytes, format, readHeader);
  // A frame is drawn over the earlier ones.
  if (work) work.milliseconds *= frame + 1;
  const refusal = work && refusalOf(work, limits, name);
  if (refusal) {
    // Garbage after the first bytes of a format may declare any size.
    await readHeader().catch((error) => {
      throw broken(name, error);
    });
    throw refusal;
  }
  const held = work?.bytes ?? 0;
  await room.take(held);
  try {
    return await decodeWithSharp(sharp, bytes, limits, name, frame);
  } finally {
    room.give(held);
  }
}

async function checkFrame(frame: number, readHeader: () => Promise<{ pages?: number }>, name: string): Promise<void> {
  const { pages = 1 } = await readHeader().catch((error) => {
    throw broken(name, error);
  });
  if (frame < pages) return;
  throw new FerError('OPTION', `there is no frame ${frame}: ${name} has ${pages === 1 ? 'one' : `0 to ${pages - 1}`}`);
}

/** Loaded with the first image, because sharp takes longer to load than everything else. */
export function loadSharp(): Promise<typeof import('sharp').default> {
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

/** Memory for the images that a thread decodes at a time. An image that needs more is decoded alone. */
export const MOST_MEMORY = 256e6;

const room = new ByteBudget(MOST_MEMORY);

/** The meaning of `maxWork` 1. */
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
  const estimate = `about ${(milliseconds / 1000).toFixed(1)} s and ${Math.round(bytes / 1e6)} MB`;
  const limit = `${(WORK_MS / 1000) * maxWork} s and ${(WORK_BYTES / 1e6) * maxWork} MB`;
  const message = `${name} is ${width}x${height}: decoding it may take ${estimate}, over the limit of ${limit}; maxWork raises it`;
  return new FerError('TOO_LARGE', message);
}

async function decodeWithSharp(
  sharp: typeof import('sharp').default,
  bytes: Uint8Array,
  limits: DecodeLimits,
  name: string,
  frame: number,
): Promise<PixelImage> {
  // sharp compares the header's size with the limit before it decodes; it accepts only whole numbers.
  const limitInputPixels = Math.min(Math.floor(limits.maxPixels), Number.MAX_SAFE_INTEGER);
  const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels, autoOrient: true, page: frame })
    // Also ends the work if nobody waits for it any more.
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

/** Seconds for sharp, at most an hour; 0 means no limit. */
function wholeSeconds(milliseconds: number): number {
  return milliseconds <= 3_600_000 ? Math.ceil(milliseconds / 1000) : 0;
}

function broken(name: string, error: unknown): FerError {
  return new FerError('DECODE', `${name} cannot be decoded: ${joinLines(reasonOf(error))}`, { cause: error });
}

/** Grey and alpha, interleaved, to grey. */
function onBlack(data: Uint8Array): Uint8Array {
  const grey = new Uint8Array(data.length / 2);
  for (let k = 0; k < grey.length; k++) grey[k] = Math.round((data[2 * k] * data[2 * k + 1]) / 255);
  return grey;
}
