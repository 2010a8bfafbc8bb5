import { open } from 'node:fs/promises';
import { FerError } from '../errors.js';
import { inputArgs, runFfmpeg, videoPath } from './run-ffmpeg.js';

/** What a video file says of its picture. */
export interface VideoInfo {
  /** Pixels, as shown: turned upright, pixels square. */
  width: number;
  height: number;
  /** Frames a second on average; null where it does not say. */
  fps: number | null;
  /** ms; null where it does not say. */
  duration: number | null;
}

/**
 * Asks `ffprobe` about a video file.
 *
 * @throws FerError `NOT_FOUND`, `INPUT` for a path that is none; `DECODE` for a file without a video; `DAMAGED` for one whose
 * index is cut off; `PACKAGE_MISSING` without ffprobe on PATH, which comes with ffmpeg.
 * @example
 * const { duration } = await probeVideo('clip.mp4');
 */
export async function probeVideo(video: string | URL): Promise<VideoInfo> {
  const path = await videoPath(video);
  const entries =
    'stream=width,height,avg_frame_rate,duration,sample_aspect_ratio:stream_tags=DURATION,rotate:stream_side_data=rotation:format=duration';
  const run = runFfmpeg('ffprobe', [
    '-select_streams',
    'v:0',
    '-show_entries',
    entries,
    '-of',
    'json',
    ...inputArgs(path),
  ]);
  let json = '';
  try {
    for await (const chunk of run.stdout.setEncoding('utf8')) {
      json += chunk;
      if (json.length > MOST_JSON) throw new FerError('DECODE', `${path}: ffprobe says more of it than any video has`);
    }
  } finally {
    await (json.length > MOST_JSON ? run.kill() : run.ended);
  }
  if ((await run.ended) !== 0) throw await unreadable(path, run.errors);

  const { streams = [], format = {} } = parsed(path, json);
  const [stream] = streams;
  if (!stream?.width || !stream.height) throw new FerError('DECODE', `${path} has no video in it`);
  const width = Math.round(stream.width * (ratioOf(stream.sample_aspect_ratio) ?? 1));
  const turned = Math.abs(
    stream.side_data_list?.find((data) => data.rotation)?.rotation ?? Number(stream.tags?.rotate ?? 0),
  );
  const upright = turned % 180 === 90 ? { width: stream.height, height: width } : { width, height: stream.height };
  const seconds = secondsOf(stream.duration) ?? secondsOf(stream.tags?.DURATION) ?? secondsOf(format.duration);
  return {
    ...upright,
    fps: ratioOf(stream.avg_frame_rate),
    duration: seconds === null ? null : seconds * 1000,
  };
}

// --- below this line: helpers of this file alone ---

const MOST_JSON = 2 ** 20;

interface Probe {
  streams?: {
    width?: number;
    height?: number;
    avg_frame_rate?: string;
    duration?: string;
    sample_aspect_ratio?: string;
    tags?: { DURATION?: string; rotate?: string };
    side_data_list?: { rotation?: number }[];
  }[];
  format?: { duration?: string };
}

function parsed(path: string, json: string): Probe {
  try {
    return JSON.parse(json) as Probe;
  } catch (error) {
    throw new FerError('DECODE', `ffprobe does not say in JSON what is in ${path}`, { cause: error });
  }
}

async function unreadable(path: string, errors: string[]): Promise<FerError> {
  const reason = errors.at(0)?.replace(/^\[.*?\] /, '') ?? 'no reason given';
  // The index of an MP4 file lies at its end, unless it was made for streaming.
  if (errors.some((line) => line.includes('moov atom not found')) && (await isMp4(path))) {
    return new FerError(
      'DAMAGED',
      `${path} ends too early: its index is missing, so that no frame can be read (${reason})`,
    );
  }
  return new FerError('DECODE', `${path} is no video that ffmpeg can read: ${reason}`);
}

/** Whether its first box is that of MP4 and its kin: ffprobe takes anything for one that is named so. */
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
