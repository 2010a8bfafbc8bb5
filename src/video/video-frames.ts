import { throwIfAborted } from '../abort.js';
import { FerError } from '../errors.js';
import { number, optionsOf, signal as signalRule } from '../options.js';
import { checkPixelCount } from '../platform/check-pixel-count.js';
import { limitRules, pixelLimit } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import { ppmImages } from './ppm-images.js';
import { answer, probe } from './probe-video.js';
import { inputArgs, runFfmpeg, videoPath } from './run-ffmpeg.js';

export interface VideoFramesOptions {
  /**
   * Maximum frames per second: the first frame of each interval is used. No frame is repeated, so a video with fewer
   * frames gives fewer.
   * @default 10
   */
  fps?: number;
  /**
   * Maximum number of frames. Without it, a video of more than a million frames is refused (`TOO_LARGE`), because a file may
   * declare a length of weeks.
   * @default all, up to a million
   */
  maxFrames?: number;
  /**
   * Larger frames are reduced to this many pixels on their longer side.
   * @default 1280
   */
  maxSize?: number;
  /**
   * Largest width * height of the video; a larger video is not decoded.
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
  /**
   * ms since the start of the file, as in a player: 0 for the first frame, unless the picture starts later than the sound. If the
   * video has no frame for a while, there is a gap.
   */
  timestamp: number;
}

/**
 * Reads the frames of a video file, one at a time, with `ffmpeg` from PATH. Reading continues only as frames are
 * taken, and ends when the loop is left.
 *
 * @throws FerError `NOT_FOUND`, `INPUT`, `OPTION`; `DECODE` for a file without a video; `TOO_LARGE` over `maxPixels`;
 * `PACKAGE_MISSING` without ffmpeg on PATH; `ABORTED`; `DAMAGED` for a truncated or partly broken file, after all the frames that could be read.
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
  throwIfAborted(signal, 'reading the video');
  const path = await videoPath(video);
  const { width, height, fps: rate, duration, start, version } = await probe(path, { signal });
  checkPixelCount(width, height, maxPixels, path);
  if (options.maxFrames === undefined) checkFrames(((duration ?? 0) * fps) / 1000, path);
  throwIfAborted(signal, 'reading the video');

  // Frames may become larger within the video. ffmpeg rounds sizes up to whole blocks.
  const decodable = Math.min(Math.ceil(2 * maxPixels) + 2 ** 16, 2 ** 31 - 1);
  const times = frameTimes();
  const run = runFfmpeg(
    'ffmpeg',
    [
      ...['-nostdin', '-nostats', '-max_pixels', String(decodable)],
      ...[...inputArgs(path), '-map', '0:V:0', '-an', '-sn', '-dn'],
      ...['-vf', `${firstOfEach(fps)},${reducedTo(maxSize)},showinfo=checksum=0`, ...asTheyAre(version)],
      ...['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', 'pipe:1'],
    ],
    times.note,
  );
  run.ended.then(times.end, times.end);
  const stop = () => void run.kill();
  signal?.addEventListener('abort', stop, { once: true });
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  try {
    for await (const image of ppmImages(run.stdout, (Math.ceil(maxSize) + 1) ** 2)) {
      throwIfAborted(signal, 'reading the video');
      const timestamp = await times.next();
      if (timestamp === undefined) break;
      // If the size changes, FFmpeg counts from the start again; if the clock of a file jumps back, so do its times.
      if (timestamp <= last) continue;
      last = timestamp;
      yield { image, timestamp };
      count++;
      if (options.maxFrames === undefined) checkFrames(count, path);
      if (count >= maxFrames) return;
    }
    throwIfAborted(signal, 'reading the video');
    const exitCode = await run.ended;
    const shown = count === 0 ? 0 : last - start + 1000 / Math.min(fps, rate ?? fps);
    const broken = exitCode !== 0 || run.errors.length > 0;
    const short = duration !== null && duration - shown > SHORT_BY;
    // The last frame may last long.
    if (broken || (short && duration - (await endOf(path, last, start, signal)) > SHORT_BY)) {
      throw damaged(path, run.errors, shown / 1000, duration);
    }
  } catch (error) {
    // A program that was killed closes its pipe in the middle of a frame.
    throwIfAborted(signal, 'reading the video');
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

/** Most frames without `maxFrames`: 27 hours at 10 per second. */
const MOST_FRAMES = 1_000_000;

function checkFrames(count: number, path: string): void {
  if (count <= MOST_FRAMES) return;
  throw new FerError(
    'TOO_LARGE',
    `${path} has ${Math.round(count)} frames, over ${MOST_FRAMES}; maxFrames raises the limit`,
  );
}

/** Filter for square pixels, with no side above `size`. */
function reducedTo(size: number): string {
  const factor = `min(1\\,${size}/max(iw*sar\\,ih))`;
  return `scale=w=max(1\\,round(iw*sar*${factor})):h=max(1\\,round(ih*${factor}))`;
}

/** Filter for the first frame of each interval, with its time in the file. */
function firstOfEach(fps: number): string {
  // Times such as 0.2 s have no exact representation.
  const part = (time: string) => `floor(${time}*${fps}+1e-3)`;
  return `select=isnan(prev_selected_t)+gt(${part('t')}\\,${part('prev_selected_t')})`;
}

/** Keeps all frames: none is repeated or dropped to fit a rate. */
function asTheyAre(version: string): string[] {
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  const isOld = major !== undefined && (Number(major) < 5 || (Number(major) === 5 && Number(minor) < 1));
  return isOld ? ['-vsync', 'passthrough'] : ['-fps_mode', 'passthrough'];
}

/** The times of frames, ms, which ffmpeg prints on standard error before or after the frame. */
function frameTimes() {
  const times: number[] = [];
  let wake = () => {};
  let ended = false;
  return {
    note(line: string): void {
      const seconds = /\bn: *\d+ pts: *\S+ pts_time: *(\S+)/.exec(line)?.[1];
      if (seconds === undefined) return;
      times.push(Math.round(Number(seconds) * 1e6) / 1e3);
      wake();
    },
    end(): void {
      ended = true;
      wake();
    },
    /** undefined if there are no more. */
    async next(): Promise<number | undefined> {
      while (times.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return times.shift();
    },
  };
}

/** ms from the start of the picture to the end of its last packet, looking at packets from a given time. */
async function endOf(path: string, from: number, start: number, signal?: AbortSignal): Promise<number> {
  const interval = ['-read_intervals', `${Math.max(0, from / 1000 - 1)}%`];
  const args = [
    '-select_streams',
    'V:0',
    '-show_entries',
    'packet=pts_time,duration_time:format=start_time',
    '-of',
    'json',
  ];
  const { json } = await answer(path, [...args, ...interval, ...inputArgs(path)], { signal });
  const { packets = [], format = {} } = JSON.parse(json || '{}') as {
    packets?: { pts_time?: string; duration_time?: string }[];
    format?: { start_time?: string };
  };
  const ends = packets.map(({ pts_time, duration_time }) => Number(pts_time) + Number(duration_time ?? 0));
  const offset = Number(format.start_time ?? 0) || 0;
  return ends.reduce((latest, end) => Math.max(end - offset, latest), 0) * 1000 - start;
}

/** ms that may be missing at the end of a video, because declared durations are not exact. */
const SHORT_BY = 1000;

function damaged(path: string, errors: string[], seconds: number, duration: number | null): FerError {
  const of = duration === null ? '' : ` of ${(duration / 1000).toFixed(1)}`;
  const reason = errors.length > 0 ? `: ${errors[0]}` : '';
  return new FerError('DAMAGED', `${path} is damaged; ${seconds.toFixed(1)}${of} s of it could be read${reason}`);
}
