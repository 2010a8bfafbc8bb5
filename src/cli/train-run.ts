import { basename, join, resolve } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
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
import { loadPretrained, pretrained } from '../weights.js';
import { type DataFlags, type DataFolders, dataFolders } from './data-folders.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { countReasons } from './left-out.js';
import { openModel } from './open-model.js';
import { type Progress, startProgress } from './progress.js';
import { codeOf } from './report-error.js';
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

export interface TrainFlags extends TrainSettings {
  out?: string;
  resume?: true;
  images: boolean;
  quiet?: true;
  json?: true;
}

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

/** What `fer-dcnn train` does. Apart from its options, so that `--help` and wrong usage do not load TF.js. */
export async function runTrain(signal: AbortSignal, dir: string, flags: TrainFlags): Promise<ExitCode> {
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
