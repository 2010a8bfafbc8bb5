import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { readable } from '../options.js';

/** A running program of FFmpeg. */
export interface FfmpegRun {
  stdout: Readable;
  /** The exit code, or null when it was killed. Rejects with `PACKAGE_MISSING` if it is not installed. */
  ended: Promise<number | null>;
  /** Its last 20 lines of errors, without the names of their sources. */
  errors: string[];
  /** Kills it, and waits until it has ended. */
  kill(): Promise<void>;
}

/**
 * Starts `ffmpeg` or `ffprobe` from PATH, without a shell.
 *
 * @param onInfo - Called with each line that is not an error; without it, such lines are not requested.
 */
export function runFfmpeg(program: 'ffmpeg' | 'ffprobe', args: string[], onInfo?: (line: string) => void): FfmpegRun {
  const level = onInfo === undefined ? 'level+error' : 'level+info';
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(program, ['-v', level, '-hide_banner', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const errors: string[] = [];
  let rest = '';
  const note = (line: string) => {
    const error = /\[(?:error|fatal|panic)\] (.*)/.exec(line)?.[1].trim();
    if (error === undefined) onInfo?.(line);
    else if (error !== '') errors.push(error);
    errors.splice(0, errors.length - MAX_LINES);
  };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_LINE);
    for (const line of lines) note(line);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(notStarted(program, error)));
    child.once('close', (code) => {
      note(rest);
      resolve(code);
    });
  });
  // Callers that await it get the error; without an await, it must not end the process.
  ended.catch(() => {});
  return {
    stdout: child.stdout,
    ended,
    errors,
    async kill() {
      child.kill('SIGKILL');
      child.stdout.destroy();
      await ended.catch(() => {});
    },
  };
}

/**
 * Arguments that make FFmpeg read only this file: `-y` or `http://…` are taken as file names, and a file such as a playlist
 * cannot make it open an address or another file.
 */
export function inputArgs(path: string): string[] {
  return ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS.join(','), '-i', `file:${path}`];
}

/** The path of a video, after checking that it can be opened. */
export async function videoPath(video: string | URL): Promise<string> {
  const path = readable('the video', () => pathOf(video), 'INPUT');
  const found = await stat(path).catch((error) => {
    throw new FerError('NOT_FOUND', `${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  });
  if (!found.isFile()) throw new FerError('INPUT', `${path} is not a file`);
  return path;
}

function pathOf(video: string | URL): string {
  if (typeof video === 'string') return video;
  if (video instanceof URL && video.protocol === 'file:') return fileURLToPath(video);
  throw new FerError('INPUT', `a video must be a path or a file: URL, got ${describeInput(video)}`);
}

/**
 * FFmpeg's names of formats whose files contain the picture. Playlists (HLS, DASH, ffconcat, SDP, patterns of image names) are
 * not in the list: they make FFmpeg read other files, and some never end. Sound formats are, for a clear error.
 */
const FORMATS = [
  ...['mov', 'matroska', 'webm', 'avi', 'flv', 'live_flv', 'mpegts', 'mpeg', 'mpegvideo', 'asf', 'ogg', 'mxf', 'nut'],
  ...['wtv', 'rm', 'dv', 'ivf', 'obu', 'av1', 'h264', 'hevc', 'vvc', 'm4v', 'h263', 'vc1', 'mjpeg', 'gif', 'apng'],
  ...['webp_pipe', 'swf', 'nsv', 'gxf', 'yuv4mpegpipe', 'dirac', 'bink', 'smk', 'roq', 'film_cpk', 'ea'],
  ...['wav', 'w64', 'mp3', 'flac', 'aac', 'ac3', 'eac3', 'aiff', 'au', 'caf', 'amr', 'ape', 'wv', 'dts'],
];

const MAX_LINES = 20;
const MAX_LINE = 1000;

function notStarted(program: string, error: NodeJS.ErrnoException): FerError {
  const install = 'apt-get install ffmpeg, brew install ffmpeg or winget install ffmpeg';
  return error.code === 'ENOENT'
    ? new FerError('PACKAGE_MISSING', `videos need the program ${program} on PATH: ${install}`, { cause: error })
    : new FerError('PACKAGE_MISSING', `${program} does not start: ${error.message}`, { cause: error });
}
