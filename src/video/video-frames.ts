import { FerError } from '../errors.js';
import { number, optionsOf, signal as signalRule } from '../options.js';
import { checkPixelCount } from '../platform/check-pixel-count.js';
import { limitRules, pixelLimit } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import { ppmImages } from './ppm-images.js';
import { probeVideo } from './probe-video.js';
import { inputArgs, runFfmpeg, videoPath } from './run-ffmpeg.js';

export interface VideoFramesOptions {
  /**
   * Frames a second, taken evenly from those of the video.
   * @default 10
   */
  fps?: number;
  /**
   * How many are given at most. A video of more than a million is refused (`TOO_LARGE`) unless this is given: a file may claim
   * to last for weeks, and its gaps are filled.
   * @default all, up to a million
   */
  maxFrames?: number;
  /**
   * Wider or higher frames are reduced to this many pixels on their longer side.
   * @default 1280
   */
  maxSize?: number;
  /**
   * Largest width * height of the video itself: nothing of a larger one is decoded.
   * @default 64e6
   */
  maxPixels?: number;
  /** Stops with `ABORTED`. */
  signal?: AbortSignal;
}

/** A frame of a video. */
export interface VideoFrame {
  /** RGB, upright. */
  image: PixelImage;
  /** ms since the first frame. */
  timestamp: number;
}

/**
 * Reads the frames of a video file, one at a time, with `ffmpeg` from PATH. It reads on only as frames are taken, and
 * is ended when the loop is left.
 *
 * @throws FerError `NOT_FOUND`, `INPUT`, `OPTION`; `DECODE` for a file without a video; `TOO_LARGE` over `maxPixels`;
 * `PACKAGE_MISSING` without ffmpeg on PATH; `ABORTED`; `DAMAGED` for a file that breaks off or is broken in places: after all the frames that could be read.
 * @example
 * for await (const { image, timestamp } of videoFrames('clip.mp4', { fps: 5 })) {
 *   console.log(timestamp, await classifyFaces(image));
 * }
 */
export async function* videoFrames(
  video: string | URL,
  options: VideoFramesOptions = {},
): AsyncGenerator<VideoFrame, void, undefined> {
  checkOptions(options);
  const { fps = 10, maxFrames = MOST_FRAMES + 1, maxSize = 1280, signal } = options;
  const maxPixels = pixelLimit(options);
  throwIfAborted(signal);
  const path = await videoPath(video);
  const { width, height, duration } = await probeVideo(path);
  checkPixelCount(width, height, maxPixels, path);
  if (options.maxFrames === undefined) checkFrames(((duration ?? 0) * fps) / 1000, path);
  throwIfAborted(signal);

  // Frames may grow in the midst of it. ffmpeg counts what it rounds up to whole blocks.
  const decodable = Math.min(Math.ceil(2 * maxPixels) + 2 ** 16, 2 ** 31 - 1);
  const run = runFfmpeg('ffmpeg', [
    ...['-nostdin', '-max_pixels', String(decodable)],
    ...[...inputArgs(path), '-map', '0:v:0', '-an', '-sn', '-dn'],
    ...['-vf', `fps=${fps},${reducedTo(maxSize)}`, '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
  ]);
  const stop = () => void run.kill();
  signal?.addEventListener('abort', stop, { once: true });
  let count = 0;
  try {
    for await (const image of ppmImages(run.stdout, (Math.ceil(maxSize) + 1) ** 2)) {
      throwIfAborted(signal);
      yield { image, timestamp: (count * 1000) / fps };
      count++;
      if (options.maxFrames === undefined) checkFrames(count, path);
      if (count >= maxFrames) return;
    }
    throwIfAborted(signal);
    const exitCode = await run.ended;
    const missing = duration === null ? 0 : duration - (count * 1000) / fps;
    if (exitCode !== 0 || run.errors.length > 0 || missing > 1000 + 1000 / fps) {
      throw damaged(path, run.errors, count / fps, duration);
    }
  } catch (error) {
    // A program that was killed closes its pipe in the middle of a frame.
    throwIfAborted(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await run.kill();
  }
}

const checkOptions = optionsOf<VideoFramesOptions>('videoFrames', () => ({
  fps: number('above 0 and at most 1000', (value) => value > 0 && value <= 1000),
  maxFrames: number('1 or more', (value) => value >= 1),
  maxSize: number('16 pixels or more', (value) => value >= 16),
  maxPixels: limitRules.maxPixels,
  signal: signalRule,
}));

// --- below this line: helpers of this file alone ---

/** Unless the caller says how many: 27 hours at 10 a second. */
const MOST_FRAMES = 1_000_000;

function checkFrames(count: number, path: string): void {
  if (count <= MOST_FRAMES) return;
  throw new FerError(
    'TOO_LARGE',
    `${path} has ${Math.round(count)} frames, over ${MOST_FRAMES}; maxFrames raises the limit`,
  );
}

/** Square pixels, no side above `size`. */
function reducedTo(size: number): string {
  const factor = `min(1\\,${size}/max(iw*sar\\,ih))`;
  return `scale=w=max(1\\,round(iw*sar*${factor})):h=max(1\\,round(ih*${factor}))`;
}

function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw new FerError('ABORTED', 'reading the video was aborted', { cause: signal.reason });
}

function damaged(path: string, errors: string[], seconds: number, duration: number | null): FerError {
  const of = duration === null ? '' : ` of ${(duration / 1000).toFixed(1)}`;
  const reason = errors.length > 0 ? `: ${errors[0].replace(/^\[.*?\] /, '')}` : '';
  return new FerError('DAMAGED', `${path} is damaged; ${seconds.toFixed(1)}${of} s of it could be read${reason}`);
}
