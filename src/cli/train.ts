import { basename, join, resolve } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Command, Option } from 'commander';
import { placesByName } from '../class-names.js';
import { evaluateFolder } from '../folders/evaluate-folder.js';
import { buildModel, type EpochFigures, type TrainOptions, train, useBackend } from '../index.js';
import type { FolderSample, ImageFolder } from '../node.js';
import { checkpointFolder } from '../platform/node/checkpoint-folder.js';
import { percent } from '../report/percent.js';
import { safeText } from '../safe-text.js';
import { classNamesOf } from '../tfjs/model/model-spec.js';
import type { AugmentationName } from '../tfjs/train/augment.js';
import type { ScheduleName } from '../tfjs/train/schedule.js';
import { MOST_WORKERS } from '../tfjs/train/train-options.js';
import { loadPretrained, pretrained } from '../weights.js';
import { withClassOptions } from './class-options.js';
import { type DataFlags, type DataFolders, dataFolders } from './data-folders.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { countReasons } from './left-out.js';
import { numberBetween, wholeNumber } from './numbers.js';
import { openModel } from './open-model.js';
import { type Progress, startProgress } from './progress.js';
import { codeOf } from './report-error.js';
import { runCommand } from './run-command.js';
import {
  checkRunFolder,
  clearRunFolder,
  environment,
  type RunMetrics,
  savedSettings,
  saveSettings,
  writeRun,
} from './run-folder.js';
import { tell } from './status-line.js';

/** The settings of a training, stored for `--resume`. */
interface TrainSettings extends Omit<DataFlags, 'quiet'> {
  val?: string | false;
  test?: string;
  model?: string;
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  schedule?: ScheduleName;
  weightDecay?: number;
  augment?: AugmentationName;
  normalization?: TrainOptions['normalization'];
  sampling?: TrainOptions['sampling'];
  classWeights?: 'balanced';
  ema?: number;
  monitor?: TrainOptions['monitor'];
  patience?: number;
  seed?: number;
  workers?: number;
  backend?: 'wasm' | 'cpu';
  quantize?: 'none' | 'uint8' | 'uint16';
}

interface TrainFlags extends TrainSettings {
  out?: string;
  resume?: true;
  images: boolean;
  quiet?: true;
  json?: true;
}

/** `fer-dcnn train <dir>` */
export function trainCommand(): Command {
  return withClassOptions(new Command('train'))
    .description('Train on a folder of faces, one folder per class, and write a run folder with model and report.')
    .argument('<dir>', 'class folders (angry/, happy/, …), the output of split, or a data set such as fer2013.csv')
    .option('--val <dir>', 'validation images (default: <dir>/val, else a tenth of the images)')
    .option('--no-val', 'train on all images, without validation or report')
    .option('--test <dir>', 'test images for the report (default: <dir>/test, else the validation images)')
    .option('--out <folder>', 'the run folder (default: runs/<name of dir>)')
    .option('--resume', 'continue the run in --out with its settings; --epochs may be raised')
    .option('--model <folder>', "weights to start from: a model's folder, or 'pretrained' (default: new weights)")
    .option('--epochs <n>', 'number of passes over the images (default: 30)', wholeNumber(1))
    .option('--patience <n>', 'stop after n epochs without improvement', wholeNumber(1))
    .option('--batch-size <n>', 'images per step (default: 32)', wholeNumber(1))
    .option(
      '--learning-rate <x>',
      "Adam's learning rate at its highest (default: 1e-3, with --model 1e-4)",
      numberBetween(0),
    )
    .addOption(
      new Option('--schedule <name>', 'how the learning rate falls (default: cosine)').choices([
        'constant',
        'cosine',
        'step',
      ]),
    )
    .option('--weight-decay <x>', 'decoupled weight decay', numberBetween(0))
    .addOption(
      new Option(
        '--augment <name>',
        "random changes to the images: 'report' as in the original report, 'strong' for more (default: report)",
      ).choices(['report', 'strong', 'none']),
    )
    .addOption(
      new Option('--normalization <name>', "how faces are normalised (default: the model's, else unit)").choices([
        'unit',
        'standardize',
        'localContrast',
      ]),
    )
    .addOption(
      new Option('--sampling <name>', 'which images an epoch takes (default: shuffled)').choices([
        'shuffled',
        'balanced',
        'square-root',
      ]),
    )
    .addOption(new Option('--class-weights <name>', 'weigh the loss by class').choices(['balanced']))
    .option('--ema <decay>', 'keep an exponential moving average of the weights, such as 0.999', numberBetween(0, 1))
    .addOption(
      new Option('--monitor <figure>', 'figure that decides which epoch is kept (default: valLoss)').choices([
        'loss',
        'valLoss',
        'valAccuracy',
        'valMacroRecall',
      ]),
    )
    .option('--seed <n>', 'random seed of weights, order and augmentation (default: 1)', wholeNumber(0))
    .option('--workers <n>', 'number of threads (default: 1)', wholeNumber(1, MOST_WORKERS))
    .addOption(new Option('--backend <name>', 'backend of the training (default: wasm)').choices(['wasm', 'cpu']))
    .addOption(
      new Option('--quantize <type>', 'how the saved weights are stored (default: none)').choices([
        'none',
        'uint8',
        'uint16',
      ]),
    )
    .option('--exclude <list>', 'list of images to leave out, as written by check --fix')
    .option('--votes <csv>', 'soft labels: file,angry,happy,… with votes or probabilities')
    .option('--skip-unreadable', 'leave out images that cannot be read, instead of stopping')
    .option('--no-images', 'leave the pictures of mistakes out of the report')
    .option('--json', 'print metrics.json on standard output')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(
      runCommand(run, {
        DECODE: 'fer-dcnn check lists such files; --skip-unreadable leaves them out',
        CLASSES: '--classes keeps some, --map joins some, --model names a model of these classes',
        OPTION: 'see: fer-dcnn train --help',
      }),
    );
}

const HELP = `
The run folder holds model.json and weights.bin (a TF.js Layers model), history.json, metrics.json and report.html;
also settings.json and checkpoint.bin, from which --resume continues. Ctrl-C stops after the current step; --resume repeats the
unfinished epoch.
${exitCodeHelp({ ok: 'trained', none: 'wrong usage, data that cannot be read, or a training that failed' })}
Examples:
  fer-dcnn train faces --epochs 30 --out runs/first
  fer-dcnn train faces --out runs/first --resume
  fer-dcnn train faces --model pretrained --exclude faces/exclude.txt --patience 5 --workers 2`;

const DEFAULTS = {
  epochs: 30,
  batchSize: 32,
  schedule: 'cosine',
  augment: 'report',
  sampling: 'shuffled',
  seed: 1,
  workers: 1,
  backend: 'wasm',
  quantize: 'none',
} satisfies TrainSettings;

type CompleteSettings = TrainSettings & Required<Pick<TrainSettings, keyof typeof DEFAULTS | 'learningRate'>>;

async function run(signal: AbortSignal, dir: string, flags: TrainFlags): Promise<ExitCode> {
  const { out = join('runs', basename(resolve(dir))), resume = false, images, quiet, json, ...given } = flags;
  checkRunFolder(out, resume);
  const kept: TrainSettings = { ...(resume ? await savedSettings(out) : {}), ...given };
  const learningRate = kept.model === undefined ? 1e-3 : 1e-4;
  const settings: CompleteSettings = { ...DEFAULTS, learningRate, ...kept };
  const { backend, quantize } = settings;
  await useBackend(backend);
  const data = await dataFolders(dir, { ...settings, quiet });
  const model = await modelFor(data.train.classes, settings);
  // Locked from the settings to the report, not only during train(), so that a second run changes nothing here.
  const store = checkpointFolder(out);
  const unlock = await store.lock!();
  try {
    await clearRunFolder(out);
    await saveSettings(out, { ...kept });

    const began = performance.now();
    const progress = trainingProgress(data, flags);
    /** A training that was stopped at any point can be continued from its checkpoint. */
    const resumable = <Result>(work: Promise<Result>): Promise<Result> =>
      work.catch((error: unknown) => {
        progress.end();
        if (codeOf(error) === 'ABORTED') tell(`fer-dcnn: continue with: ${goOnWith(dir, out)}\n`);
        throw error;
      });
    const result = await resumable(
      train(model, progress.counted(data.train), {
        ...trainOptions(settings),
        validationData: data.validation && progress.counted(data.validation),
        checkpoint: { ...store, lock: async () => async () => {} },
        resume,
        callbacks: progress.callbacks,
        signal,
      }),
    );
    progress.end();

    const measured = { ...(data.validation && { validation: data.validation }), ...(data.test && { test: data.test }) };
    const reports: Pick<RunMetrics, 'validation' | 'test'> = {};
    let mistakes: Awaited<ReturnType<typeof evaluateFolder>>['mistakes'] | undefined;
    for (const [name, folder] of Object.entries(measured)) {
      const bar = startProgress({ label: `measuring on ${name}`, total: folder.length, unit: 'images', quiet });
      const found = await resumable(
        evaluateFolder(model, folder, { signal, onImage: () => bar.advance() }).finally(() => bar.end()),
      );
      reports[name as keyof typeof reports] = found.report;
      mistakes = found.mistakes;
    }
    const metrics: RunMetrics = {
      best: result.best,
      stoppedAt: result.stoppedAt,
      seconds: Math.round((performance.now() - began) / 1000),
      ...reports,
      data: { ...data.names, images: data.train.length, leftOut: countReasons(data.train.leftOut) },
      settings: { ...settings },
      environment: environment(backend),
    };
    await writeRun(out, { model, result, metrics, mistakes: images ? mistakes : undefined, quantize });
    process.stdout.write(json ? `${JSON.stringify(metrics, null, 2)}\n` : conclusion(out, metrics));
    model.dispose();
    return EXIT.ok;
  } finally {
    await unlock();
  }
}

/** @throws FerError `CLASSES` when the user's model has other classes than the data. */
async function modelFor(classes: readonly string[], { model: path, seed }: CompleteSettings): Promise<LayersModel> {
  if (path === undefined) return buildModel({ seed, classes });
  const same =
    pretrained.classes.length === classes.length && classes.every((name) => pretrained.classes.includes(name));
  if (path === 'pretrained' && !same) return loadPretrained({ classes, seed });
  const model = await openModel(path);
  placesByName(classes, classNamesOf(model), ['the data', 'the model']);
  return model;
}

function trainOptions(settings: CompleteSettings): TrainOptions {
  const { schedule, augment, patience, epochs, learningRate, batchSize, weightDecay, normalization } = settings;
  const { sampling, classWeights, ema, monitor, seed, workers } = settings;
  return {
    ...{ epochs, learningRate, batchSize, weightDecay, normalization },
    ...{ sampling, classWeights, ema, monitor, seed, workers },
    ...{ schedule, augment },
    earlyStopping: patience === undefined ? undefined : { patience },
  };
}

/** Progress while images are read, then by step; prints one line per epoch. */
function trainingProgress({ train, validation }: DataFolders, { quiet }: TrainFlags) {
  const total = train.length + (validation?.length ?? 0);
  let progress: Progress = startProgress({ label: 'reading', total, unit: 'images', quiet });
  let of = 0;
  return {
    counted(folder: ImageFolder): AsyncIterable<FolderSample> & { classes: readonly string[] } {
      return {
        classes: folder.classes,
        async *[Symbol.asyncIterator]() {
          for await (const sample of folder) {
            yield sample;
            progress.advance();
          }
        },
      };
    },
    callbacks: {
      onTrainBegin({ stepsPerEpoch, epochs }: { stepsPerEpoch: number; epochs: number }) {
        progress.end();
        of = epochs;
        progress = startProgress({ label: `epoch 1/${epochs}`, total: stepsPerEpoch * epochs, unit: 'steps', quiet });
      },
      onBatchEnd({ epoch, step, stepsPerEpoch }: { epoch: number; step: number; stepsPerEpoch: number }) {
        progress.label(`epoch ${epoch}/${of}`);
        progress.at((epoch - 1) * stepsPerEpoch + step);
      },
      onEpochEnd(epoch: number, figures: EpochFigures) {
        if (!quiet) tell(`epoch ${epoch}/${of}  ${epochLine(figures)}\n`);
      },
    },
    end: () => progress.end(),
  };
}

function epochLine({ loss, accuracy, valLoss, valAccuracy, valMacroRecall }: EpochFigures): string {
  const training = `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}`;
  if (valLoss === undefined || valAccuracy === undefined || valMacroRecall === undefined) return training;
  const recall = percent(valMacroRecall);
  return `${training}  validation: loss ${valLoss.toFixed(3)}  accuracy ${percent(valAccuracy)}  macro recall ${recall}`;
}

function conclusion(out: string, { best, stoppedAt, validation, test }: RunMetrics): string {
  const lines = [`${out}: epoch ${best.epoch} of ${stoppedAt} kept`];
  for (const [name, report] of Object.entries({ validation, test })) {
    if (report === undefined) continue;
    const { accuracy, macroRecall, count } = report;
    lines.push(
      `${name}: accuracy ${percent(accuracy)}, macro recall ${percent(macroRecall)} on ${count.toLocaleString('en')} images`,
    );
  }
  if (validation ?? test) lines.push(`report: ${join(out, 'report.html')}`);
  return lines.map((line) => `${safeText(line)}\n`).join('');
}

function goOnWith(dir: string, out: string): string {
  const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : JSON.stringify(path));
  return safeText(`fer-dcnn train ${quoted(dir)} --out ${quoted(out)} --resume`);
}
