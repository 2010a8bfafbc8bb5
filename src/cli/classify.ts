import { Command, InvalidArgumentError, Option } from 'commander';
import type { Classifier, FerErrorCode, Prediction } from '../index.js';

interface ClassifyFlags {
  json?: true;
  backend?: 'simd' | 'wasm' | 'cpu';
  model?: string;
  topk?: number;
}

/** What became of one file. */
type Outcome = { file: string; predictions: Prediction[] } | { file: string; error: { code: string; message: string } };

/** `fer-dcnn classify <image...>` */
export function classifyCommand(): Command {
  return new Command('classify')
    .description('Say what the faces in image files show, one cropped face a file.')
    .argument('<image...>', 'JPEG, PNG, WebP, AVIF, GIF or TIFF files, each cropped to one face, forehead to chin')
    .option('--json', 'print JSON: [{ file, predictions } | { file, error: { code, message } }]')
    .addOption(new Option('--backend <name>', 'what computes (default: simd)').choices(['simd', 'wasm', 'cpu']))
    .option('--model <folder>', 'a model of your own, as saveModel() writes it (default: the pretrained one)')
    .option('--topk <n>', 'how many emotions to give, 1 to 5 (default: 1, with --json 5)', emotionCount)
    .addHelpText('after', HELP)
    .action(run);
}

// --- below this line: helpers of this file alone ---

const HELP = `
Exit codes:
  0  every image was classified
  1  some image was not: standard error says which and why
  2  wrong usage, or a model or backend that cannot be used: nothing was classified

Examples:
  fer-dcnn classify face.jpg
  fer-dcnn classify --topk 5 faces/*.png
  fer-dcnn classify --json faces/*.png > emotions.json
  fer-dcnn classify --model runs/first --backend cpu face.jpg`;

const ADVICE: Partial<Record<FerErrorCode, string>> = {
  NOT_FOUND: 'check the path',
  DECODE: 'save it again as JPEG or PNG',
  TOO_LARGE: 'make it smaller, or crop it to the face',
  INPUT: 'name image files, as in faces/*.jpg',
  MODEL: '--model wants the folder that saveModel() wrote',
  CLASSES: '--model wants a model of the five emotions',
  WEIGHTS_CORRUPT: 'install fer-dcnn again, or save the model again',
  WEIGHTS_UNREACHABLE: 'install fer-dcnn again',
  WASM_UNREACHABLE: 'install fer-dcnn again, or pass --backend cpu',
  BACKEND_UNAVAILABLE: 'pass --backend cpu',
  PACKAGE_MISSING: 'install fer-dcnn again, without --omit=optional',
};

async function run(images: string[], flags: ClassifyFlags): Promise<void> {
  const { json = false, topk = json ? 5 : 1 } = flags;
  const classifier = await start(flags);
  if (classifier === null) {
    process.exitCode = 2;
    return;
  }

  const outcomes: Outcome[] = [];
  const fileWidth = Math.max(...images.map((file) => printable(file).length));
  for (const file of images) {
    const outcome = await classifyFile(classifier, file, topk);
    if (json) outcomes.push(outcome);
    else if ('predictions' in outcome) process.stdout.write(table(outcome.file, outcome.predictions, fileWidth));
    if ('error' in outcome) process.exitCode = 1;
  }
  if (json) process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`);
  classifier.dispose();
}

/** A classifier that is ready, or null when that failed and was reported. */
async function start({ model, backend }: ClassifyFlags): Promise<Classifier | null> {
  try {
    const { createClassifier } = await import('../index.js');
    const net =
      model === undefined ? undefined : await import('../node/index.js').then((node) => node.loadModel(model));
    const classifier = createClassifier({ model: net, backend });
    await classifier.load();
    return classifier;
  } catch (error) {
    report(codeOf(error), messageOf(error));
    return null;
  }
}

async function classifyFile(classifier: Classifier, file: string, topk: number): Promise<Outcome> {
  try {
    return { file, predictions: await classifier.classify(file, { topk }) };
  } catch (error) {
    const code = codeOf(error);
    const message = messageOf(error);
    report(code, message.includes(file) ? message : `${file}: ${message}`);
    return { file, error: { code, message } };
  }
}

function report(code: string, message: string): void {
  const advice = ADVICE[code as FerErrorCode];
  process.stderr.write(printable(`fer-dcnn: ${message}${advice ? ` (${advice})` : ''} [${code}]`).concat('\n'));
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? 'UNKNOWN';
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, '; ');
}

/** One line an emotion; the file is named in the first. */
function table(file: string, predictions: Prediction[], fileWidth: number): string {
  return predictions
    .map(({ className, probability }, row) => {
      const name = (row === 0 ? printable(file) : '').padEnd(fileWidth);
      const percent = `${(100 * probability).toFixed(1)} %`.padStart(7);
      return `${name}  ${className.padEnd(9)}  ${percent}  ${'█'.repeat(Math.round(20 * probability))}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}

/** Without control characters: the names of files come from anywhere, and terminals obey some of them. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

function emotionCount(text: string): number {
  const count = Number(text);
  if (!(Number.isInteger(count) && count >= 1 && count <= 5)) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 5.');
  }
  return count;
}
