import { open } from 'node:fs/promises';
import { throwIfAborted } from '../abort.js';
import { FerError } from '../errors.js';
import { inputArgs, runFfmpeg, videoPath } from './run-ffmpeg.js';

/** Facts about the picture of a video file. */
export interface VideoInfo {
  /** Pixels, as shown: turned upright, pixels square. */
  width: number;
  height: number;
  /** Average frames per second; null if unknown. */
  fps: number | null;
  /** Duration of the picture in ms, without longer sound; null if unknown. */
  duration: number | null;
}

export interface ProbeVideoOptions {
  /**
   * Milliseconds after which ffprobe is stopped.
   * @default 30000
   */
  maxMilliseconds?: number;
  /** Stops with `ABORTED`. */
  signal?: AbortSignal;
}

/**
 * Asks `ffprobe` about a video file.
 *
 * @throws FerError `NOT_FOUND`, `INPUT` for an invalid `path`; `DECODE` for a file without a video; `DAMAGED` for a file whose
 * index is missing; `PACKAGE_MISSING` without ffprobe on PATH, which comes with ffmpeg; `TIMEOUT`, `ABORTED`, `OPTION`.
 * @example
 * const { duration } = await probeVideo('clip.mp4');
 */
export async function probeVideo(video: string | URL, options: ProbeVideoOptions = {}): Promise<VideoInfo> {
  const { width, height, fps, duration } = await probe(video, options);
  return { width, height, fps, duration };
}

/** The result of {@link probeVideo}, and what is needed to read the frames. */
export interface ProbedVideo extends VideoInfo {
  /** ms from the start of the file to the start of its picture. */
  start: number;
  /** Version of FFmpeg: "5.1.9". */
  version: string;
}

/** {@link probeVideo} with more details. */
export async function probe(video: string | URL, options: ProbeVideoOptions): Promise<ProbedVideo> {
  const path = await videoPath(video);
  const entries =
    'stream=width,height,avg_frame_rate,start_time,duration,sample_aspect_ratio:stream_tags=DURATION,rotate:stream_side_data=rotation:format=start_time,duration,nb_streams:program_version=version';
  // V selects moving pictures, not the cover of a song.
  const args = ['-select_streams', 'V:0', '-show_entries', entries, '-show_program_version', '-of', 'json'];
  const { json, exitCode, errors } = await answer(path, [...args, ...inputArgs(path)], options);
  if (exitCode !== 0) throw await unreadable(path, errors);

  const { streams = [], format = {}, program_version = {} } = parsed(path, json);
  const [stream] = streams;
  if (!stream?.width || !stream.height) throw new FerError('DECODE', `${path} contains no video`);
  const width = Math.round(stream.width * (ratioOf(stream.sample_aspect_ratio) ?? 1));
  const turned = Math.abs(
    stream.side_data_list?.find((data) => data.rotation)?.rotation ?? Number(stream.tags?.rotate ?? 0),
  );
  const upright = turned % 180 === 90 ? { width: stream.height, height: width } : { width, height: stream.height };
  // The file may be longer than its picture, because of its sound.
  const whole = format.nb_streams === 1 ? secondsOf(format.duration) : null;
  const late = Math.max(0, Number(stream.start_time) - Number(format.start_time)) || 0;
  // Matroska has the end time of the picture, other formats its duration.
  const end = secondsOf(stream.tags?.DURATION);
  const seconds = secondsOf(stream.duration) ?? (end === null ? whole : Math.max(0, end - late));
  return {
    ...upright,
    fps: ratioOf(stream.avg_frame_rate),
    duration: seconds === null ? null : seconds * 1000,
    start: late * 1000,
    version: program_version.version ?? '',
  };
}

/** The output of ffprobe, within the time limit. */
export async function answer(
  path: string,
  args: string[],
  options: ProbeVideoOptions,
): Promise<{ json: string; exitCode: number | null; errors: string[] }> {
  const { maxMilliseconds = 30_000, signal } = options;
  if (!(maxMilliseconds > 0)) {
    throw new FerError('OPTION', `maxMilliseconds must be above 0, got ${maxMilliseconds}`);
  }
  throwIfAborted(signal, 'reading the video');
  const run = runFfmpeg('ffprobe', args);
  let late = false;
  const stop = () => void run.kill();
  const timer = setTimeout(
    () => {
      late = true;
      stop();
    },
    Math.min(maxMilliseconds, 2 ** 31 - 1),
  );
  signal?.addEventListener('abort', stop, { once: true });
  let json = '';
  try {
    for await (const chunk of run.stdout.setEncoding('utf8')) {
      json += chunk;
      if (json.length > MOST_JSON)
        throw new FerError('DECODE', `${path}: the output of ffprobe is too long for a video`);
    }
  } catch (error) {
    // If a pipe closes early, the code below reports the cause.
    if (!late && !signal?.aborted) throw error;
  } finally {
    if (json.length > MOST_JSON) stop();
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
  const exitCode = await run.ended;
  throwIfAborted(signal, 'reading the video');
  if (late) throw new FerError('TIMEOUT', `${path}: ffprobe has not answered after ${maxMilliseconds} ms`);
  return { json, exitCode, errors: run.errors };
}

/** Most characters. A list of packages is longer than the facts about a stream. */
const MOST_JSON = 2 ** 26;

interface Probe {
  streams?: {
    width?: number;
    height?: number;
    avg_frame_rate?: string;
    start_time?: string;
    duration?: string;
    sample_aspect_ratio?: string;
    tags?: { DURATION?: string; rotate?: string };
    side_data_list?: { rotation?: number }[];
  }[];
  format?: { start_time?: string; duration?: string; nb_streams?: number };
  program_version?: { version?: string };
}

function parsed(path: string, json: string): Probe {
  try {
    return JSON.parse(json) as Probe;
  } catch (error) {
    throw new FerError('DECODE', `the output of ffprobe for ${path} is not JSON`, { cause: error });
  }
}

async function unreadable(path: string, errors: string[]): Promise<FerError> {
  const reason =
    errors.at(0)?.replace(/Format not on whitelist '.*/, 'its format is not one of those that are opened') ??
    'no reason given';
  // The index of an MP4 file is at its end, unless the file was made for streaming.
  if (errors.some((line) => line.includes('moov atom not found')) && (await isMp4(path))) {
    return new FerError(
      'DAMAGED',
      `${path} ends too early: its index is missing, so that no frame can be read (${reason})`,
    );
  }
  return new FerError('DECODE', `${path} is not a video that ffmpeg can read: ${reason}`);
}

/** Whether its first box is that of MP4 and related formats, because ffprobe goes by the file name. */
async function isMp4(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 && buffer.toString('latin1', 4) === 'ftyp';
  } finally {
    await file.close();
  }
}

/** "30000/1001" or "4:3". */
function ratioOf(text = ''): number | null {
  const [over, under] = text.split(/[/:]/).map(Number);
  return over > 0 && under > 0 ? over / under : null;
}

/** "12.5" or "00:00:12.500". */
function secondsOf(text = ''): number | null {
  const seconds = text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds > 0 ? seconds : null;
}
