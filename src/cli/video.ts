import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Command, Option } from 'commander';
import type { Episode, FaceSummary, TrackState, TrackSummary } from '../index.js';
import { percent } from '../report/percent.js';
import { safeText } from '../safe-text.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { numberBetween, wholeNumber } from './numbers.js';
import { startProgress } from './progress.js';
import { codeOf, errorLine } from './report-error.js';
import { runCommand } from './run-command.js';
import { tell } from './status-line.js';

interface VideoFlags {
  json?: true;
  csv?: true;
  frames?: true;
  fps: number;
  maxFrames?: number;
  maxPixels?: number;
  maxFaces?: number;
  smoothing?: number;
  minDuration?: number;
  backend?: 'simd' | 'wasm' | 'cpu';
  model?: string;
  quiet?: true;
}

/** `fer-dcnn video <file>` */
export function videoCommand(): Command {
  return new Command('video')
    .description('Classify the faces in a video over time. Needs ffmpeg on PATH.')
    .argument('<file>', 'a video that ffmpeg can read')
    .addOption(
      new Option('--json', 'print the summary as JSON: shares, episodes, timeline, by face and overall').conflicts(
        'csv',
      ),
    )
    .option('--csv', 'print the episodes as CSV: face,emotion,from,to,duration')
    .option(
      '--frames',
      'with --json or --csv: print one line per frame or face during the work, instead of the summary',
    )
    .option('--fps <n>', 'maximum frames per second to classify', numberBetween(0, 1000), 10)
    .option('--max-frames <n>', 'classify at most n frames', wholeNumber(1))
    .option('--max-pixels <n>', 'refuse videos with more pixels per frame (default: 64 million)', wholeNumber(1))
    .option('--max-faces <n>', 'classify at most n faces of a frame, largest first', wholeNumber(1))
    .option('--smoothing <ms>', 'time constant of smoothing (default: 300)', wholeNumber(0))
    .option('--min-duration <ms>', 'minimum time that an emotion must last to count (default: 500)', wholeNumber(0))
    .addOption(
      new Option('--backend <name>', 'backend that classifies (default: simd)').choices(['simd', 'wasm', 'cpu']),
    )
    .option('--model <folder>', 'your own model, written by saveModel() (default: the pretrained model)')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(
      runCommand(run, {
        DECODE: 'convert it, as with: ffmpeg -i it.xyz it.mp4',
        DAMAGED: 'get the file again',
        INPUT: 'name a video file',
        OPTION: 'see: fer-dcnn video --help',
      }),
    );
}

const HELP = `
Times are milliseconds since the beginning of the file, boxes are in pixels of the video.
${exitCodeHelp({
  ok: 'the whole video was read',
  some: 'the video is damaged: what could be read was printed',
})}
Examples:
  fer-dcnn video clip.mp4
  fer-dcnn video --json clip.mp4 > summary.json
  fer-dcnn video --csv --frames --fps 25 clip.mp4 > frames.csv`;

async function run(signal: AbortSignal, file: string, flags: VideoFlags): Promise<ExitCode> {
  const { json, csv, frames: perFrame, fps, maxFrames, maxPixels, maxFaces, smoothing, minDuration, quiet } = flags;
  if (perFrame && !json && !csv) {
    tell('fer-dcnn: --frames goes with --json or --csv (see: fer-dcnn video --help)\n');
    return EXIT.none;
  }
  const { createClassifier, createTracker, stateCsvHeader, stateToCsv, summaryToCsv, summaryToJson } = await import(
    '../index.js'
  );
  const { probeVideo } = await import('../video/probe-video.js');
  const { videoFrames } = await import('../video/video-frames.js');

  const info = await probeVideo(file, { signal });
  const model = flags.model === undefined ? undefined : await loadModel(flags.model);
  const classifier = createClassifier({ model, backend: flags.backend });
  await classifier.load();
  // With few frames per second, a face is not lost between two of them.
  const lostAfter = Math.max(1000, 2500 / fps);
  const tracker = createTracker({
    classifier,
    maxFaces,
    smoothing,
    minDuration,
    lostAfter,
    forgetAfter: 5 * lostAfter,
  });

  const expected =
    info.duration === null
      ? undefined
      : Math.max(1, Math.round((info.duration * Math.min(fps, info.fps ?? fps)) / 1000));
  const total = expected === undefined ? maxFrames : Math.min(expected, maxFrames ?? expected);
  // On a terminal the lines themselves show the progress.
  const hidden = quiet || (perFrame && process.stdout.isTTY);
  const progress = startProgress({ label: file, total, unit: 'frames', quiet: hidden });
  if (perFrame && csv) process.stdout.write(stateCsvHeader(tracker.classes));
  let damage: unknown;
  let scale = 1;
  try {
    const frames = videoFrames(file, { fps, maxFrames, maxPixels, signal });
    for await (const { image, timestamp } of frames) {
      scale = info.width / image.width;
      const state = scaled(await tracker.update(image, timestamp), scale);
      if (perFrame) await written(json ? `${JSON.stringify(state)}\n` : stateToCsv(state));
      progress.advance();
    }
  } catch (error) {
    if (codeOf(error) === 'DAMAGED' && tracker.summary().frames > 0) damage = error;
    else if (!signal.aborted) throw error;
  } finally {
    progress.end();
    classifier.dispose();
    model?.dispose();
  }

  const summary = tracker.summary();
  if (!perFrame) {
    process.stdout.write(json ? `${summaryToJson(summary)}\n` : csv ? summaryToCsv(summary) : report(file, summary));
  }
  if (damage === undefined) return EXIT.ok;
  tell(errorLine(damage, file, { DAMAGED: 'get the file again' }));
  return EXIT.some;
}

/** Boxes in pixels of the video: large frames are reduced before they are classified. */
function scaled({ time, faces }: TrackState, by: number): TrackState {
  const tenths = (value: number) => Math.round(value * by * 10) / 10;
  return {
    time,
    faces: faces.map(({ box: { x, y, width, height }, ...face }) => ({
      ...face,
      box: { x: tenths(x), y: tenths(y), width: tenths(width), height: tenths(height) },
    })),
  };
}

/** Waits while the reader is slow. */
async function written(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

function report(file: string, { frames, from, to, faces, overall }: TrackSummary): string {
  const many = (count: number, one: string) => `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`;
  const lines = [`${safeText(file)}: ${clock(to - from)}, ${many(frames, 'frame')}, ${many(faces.length, 'face')}`];
  if (faces.length > 1) lines.push('', 'all faces', ...shares(overall));
  for (const { id, firstSeen, lastSeen, ...face } of faces) {
    lines.push('', `face ${id}, ${clock(firstSeen)} to ${clock(lastSeen)}`, ...shares(face));
  }
  if (overall.timeline.length > 0) {
    lines.push('', 'timeline', ...overall.timeline.map((episode) => `  ${line(episode, faces.length > 1)}`));
  }
  return `${lines.join('\n')}\n`;
}

function shares({ emotions }: FaceSummary<string>): string[] {
  const shown = Object.keys(emotions).filter((emotion) => emotions[emotion].episodes > 0);
  const width = Math.max(9, ...shown.map((emotion) => safeText(emotion).length));
  if (shown.length === 0) return ['  no emotion that lasted'];
  return shown
    .sort((a, b) => emotions[b].share - emotions[a].share)
    .map((emotion) => {
      const { share, duration, episodes } = emotions[emotion];
      const times = episodes === 1 ? 'once' : `${episodes} times`;
      return `  ${safeText(emotion).padEnd(width)}  ${percent(share).padStart(6)}  ${clock(duration).padStart(7)}  ${times.padEnd(8)}  ${'█'.repeat(Math.round(20 * share))}`.trimEnd();
    });
}

function line({ face, emotion, from, to }: Episode<string>, named: boolean): string {
  return `${clock(from)} to ${clock(to)}  ${named ? `face ${face}  ` : ''}${safeText(emotion)}`;
}

/** ms as 0:07.5, 12:34.0 or 1:02:03.4. */
function clock(ms: number): string {
  const tenths = Math.round(ms / 100);
  const seconds = `${((tenths % 600) / 10).toFixed(1)}`.padStart(4, '0');
  const minutes = Math.floor(tenths / 600);
  if (minutes < 60) return `${minutes}:${seconds}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${seconds}`;
}

/** Loads TF.js, which the network of this package does not need. */
async function loadModel(path: string): Promise<LayersModel> {
  const { loadModel } = await import('../folders/load-model.js');
  return loadModel(path);
}
