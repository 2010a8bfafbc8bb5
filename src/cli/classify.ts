import { Command, Option } from 'commander';
import type { Settled } from '../in-order.js';
import type { Classifier, ClassifyOptions, Emotion, FerError, Prediction } from '../index.js';
import type { ClassifierPool, LeftOut } from '../node.js';
import { imageLimits } from '../platform/image-limits.js';
import { readStream } from '../platform/node/read-stream.js';
import type { ImageLimits } from '../runtime.js';
import { safeText } from '../safe-text.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { tellLeftOut } from './left-out.js';
import { limitsOf, withLimitOptions } from './limit-options.js';
import { wholeNumber } from './numbers.js';
import {
  answerOf,
  csvWriter,
  type FaceAnswer,
  jsonWriter,
  linesWriter,
  type Outcome,
  tableWriter,
} from './prediction-table.js';
import { startProgress } from './progress.js';
import { codeOf, errorLine, messageOf } from './report-error.js';
import { runCommand } from './run-command.js';
import { startPool } from './start-pool.js';
import { tell } from './status-line.js';

interface ClassifyFlags extends ImageLimits {
  faces?: true;
  json?: true;
  jsonl?: true;
  csv?: true;
  backend?: 'simd' | 'wasm' | 'cpu';
  model?: string;
  topk?: number;
  quiet?: true;
}

/** `fer-dcnn classify <image...>` */
export function classifyCommand(): Command {
  return withLimitOptions(new Command('classify'))
    .description('Classify faces: each image is one face, or with --faces any photo.')
    .argument('<image...>', 'JPEG, PNG, WebP, AVIF, GIF or TIFF files, folders, patterns, or - for standard input')
    .option('--faces', 'find the faces of each image first, and classify each')
    .option('--json', 'print one JSON list: [{ file, predictions | faces | error: { code, message } }]')
    .addOption(new Option('--jsonl', 'print JSON lines: the same, one line per image').conflicts('json'))
    .addOption(
      new Option('--csv', 'print CSV: one row per face, with the probability of each class').conflicts([
        'json',
        'jsonl',
      ]),
    )
    .addOption(
      new Option('--backend <name>', 'backend that classifies (default: simd)').choices(['simd', 'wasm', 'cpu']),
    )
    .option('--model <folder>', 'your own model, written by saveModel() (default: the pretrained model)')
    .addOption(
      new Option('--topk <n>', 'number of classes to print (default: 1, all with --json and --jsonl)')
        .argParser(wholeNumber(1))
        .conflicts('csv'),
    )
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(runCommand(run));
}

const HELP = `
A folder means all images in it and below it, sorted by name. Boxes are in pixels of the image. Many images are classified on
all cores, where the package piscina is installed.
${exitCodeHelp({
  ok: 'every image was classified',
  some: 'some images failed: standard error says which and why',
  none: 'wrong usage, or the model or backend cannot be used: nothing was classified',
})}
Examples:
  fer-dcnn classify face.jpg
  fer-dcnn classify --faces party.jpg
  fer-dcnn classify --faces --jsonl photos > faces.jsonl
  fer-dcnn classify --csv faces > emotions.csv
  fer-dcnn classify --json 'faces/**/*.png' > emotions.json
  curl -s https://example.org/face.jpg | fer-dcnn classify -
  fer-dcnn classify --model runs/first --backend cpu face.jpg`;

async function run(signal: AbortSignal, names: string[], flags: ClassifyFlags): Promise<ExitCode> {
  const { faces = false, json, jsonl, csv, quiet } = flags;
  const { topk = json || jsonl || csv ? Number.MAX_SAFE_INTEGER : 1 } = flags;
  const { items, failed } = await itemsOf(names, signal, quiet);
  const options = { topk, ...limitsOf(flags) };
  const pool = await startPool({ images: items, ...flags });
  const classifier = pool === null ? await start(flags) : null;
  const classes = (pool ?? classifier)?.classes ?? [];
  if (flags.topk !== undefined && flags.topk > classes.length) {
    await pool?.close();
    throw await tooMany(flags.topk, classes.length);
  }
  const { inOrder } = await import('../in-order.js');
  const writer = csv ? csvWriter(faces, classes) : json ? jsonWriter() : jsonl ? linesWriter() : tableWriter(items);
  // On a terminal the results themselves show the progress.
  const hidden = quiet || items.length < 2 || process.stdout.isTTY;
  const progress = startProgress({ label: 'classifying', total: items.length, unit: 'images', quiet: hidden });
  let exitCode: ExitCode = EXIT.ok;
  const classified: string[] = [];
  const note = async (outcome: Outcome) => {
    if ('error' in outcome) exitCode = EXIT.some;
    await print(writer.write(outcome));
  };

  await print(writer.begin());
  for (const [name, error] of failed) {
    tell(errorLine(error, name));
    await note(failure(name, error));
  }
  const results =
    classifier === null ? resultsOf(pool!, items, options) : inOrder(items, await workOf(classifier, faces, options));
  for await (const { item, result, error } of results) {
    if (signal.aborted) break;
    if (error !== undefined) tell(errorLine(error, item));
    else if (classified.length < LOOKED_AT && item !== '-') classified.push(item);
    await note(result === undefined ? failure(item, error) : { file: item, ...result });
    progress.advance();
  }
  progress.end();
  await print(writer.end());
  if (!faces && !quiet && !signal.aborted) await hintAtFaces(classified, flags);
  classifier?.dispose();
  await pool?.close();
  return exitCode;
}

async function tooMany(topk: number, classes: number): Promise<FerError> {
  const { FerError } = await import('../index.js');
  return new FerError('OPTION', `--topk must be a whole number from 1 to ${classes}, got ${topk}`);
}

async function start({ model, backend }: ClassifyFlags): Promise<Classifier> {
  const { createClassifier } = await import('../index.js');
  const net = model === undefined ? undefined : await import('../node.js').then((node) => node.loadModel(model));
  const classifier = createClassifier({ model: net, backend });
  await classifier.load();
  return classifier;
}

/** The images for the names, and the names without images. */
async function itemsOf(
  names: readonly string[],
  signal: AbortSignal,
  quiet?: boolean,
): Promise<{ items: string[]; failed: [string, unknown][] }> {
  const { imagePaths } = await import('../folders/image-paths.js');
  const items: string[] = [];
  const failed: [string, unknown][] = [];
  for (const name of names) {
    try {
      const leftOut: LeftOut[] = [];
      const onLeftOut = (each: LeftOut) => leftOut.push(each);
      for (const path of name === '-' ? [name] : await imagePaths(name, { signal, onLeftOut })) items.push(path);
      tellLeftOut({ leftOut, unmatched: [] }, name, quiet);
    } catch (error) {
      if (signal.aborted) throw error;
      failed.push([name, error]);
    }
  }
  return { items, failed };
}

/** Classifies each image on all cores. */
async function* resultsOf(
  pool: ClassifierPool<Emotion, boolean>,
  items: readonly string[],
  options: ClassifyOptions,
): AsyncGenerator<Settled<string, { predictions: Prediction[] } | { faces: FaceAnswer[] }>> {
  for await (const { item, predictions, faces, error } of pool.classifyStream(items, options)) {
    if (error !== undefined) yield { item, error };
    else yield { item, result: faces === undefined ? { predictions } : { faces: faces.map(answerOf) } };
  }
}

/** Classifies one image. */
async function workOf(classifier: Classifier, faces: boolean, options: ClassifyOptions) {
  const { classifyFaces } = await import('../index.js');
  return async (file: string) => {
    const input = file === '-' ? await standardInput(options) : file;
    if (!faces) return { predictions: await classifier.classify(input, options) };
    const found = await classifyFaces(input, { classifier, ...options });
    return { faces: found.map(answerOf) };
  };
}

async function standardInput(options: ClassifyOptions): Promise<Buffer> {
  const { maxBytes } = imageLimits(options);
  return readStream(process.stdin, maxBytes, 'standard input');
}

/** Suggests --faces where a whole photo was classified as if it were one face. */
async function hintAtFaces(files: readonly string[], flags: ClassifyFlags): Promise<void> {
  const { wholePhotos } = await import('./whole-photos.js');
  const [first, ...more] = await wholePhotos(files, limitsOf(flags));
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  tell(
    `${safeText(`fer-dcnn: ${first}${others} is a whole photo with small faces: --faces finds and classifies them`)}\n`,
  );
}

/** Number of images that are searched for faces, for the hint: it takes about as long as classifying them. */
const LOOKED_AT = 5;

function failure(file: string, error: unknown): Outcome {
  return { file, error: { code: codeOf(error), message: messageOf(error) } };
}

/** Waits while the reader is slow, so that unread output does not fill the memory. */
async function print(text: string): Promise<void> {
  if (text === '' || process.stdout.write(text)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
