import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { reasonOf } from '../errors.js';
import type { Mistake } from '../folders/evaluate-folder.js';
import { type EvaluationReport, FerError, summary, type TrainResult } from '../index.js';
import { type SaveModelOptions, saveModel } from '../node.js';
import { readRegularFile } from '../platform/node/read-regular-file.js';
import { removeLeftNeighbours, writeFileWhole } from '../platform/node/write-file.js';
import { reportHtml } from '../report/report-html.js';
import { checkSettings } from './check-settings.js';
import { packageVersion } from './package-version.js';

/** What `metrics.json` holds. */
export interface RunMetrics {
  /** The epoch (from 1) whose weights were kept, and its figures. */
  best: TrainResult['best'];
  /** Epochs that were done. */
  stoppedAt: number;
  /** Seconds that this took; of a training that went on, since then. */
  seconds: number;
  validation?: EvaluationReport;
  test?: EvaluationReport;
  data: { train: string; validation?: string; test?: string; images: number; leftOut: Record<string, number> };
  settings: Readonly<Record<string, unknown>>;
  environment: Readonly<Record<string, string>>;
}

/**
 * Makes sure that a folder can take a run.
 *
 * @throws FerError `OPTION` when it holds one already, which `--resume` would go on with.
 */
export function checkRunFolder(folder: string, resume: boolean): void {
  if (resume) return;
  const found = ['checkpoint.bin', 'model.json'].find((name) => existsSync(join(folder, name)));
  if (found !== undefined) {
    throw new FerError('OPTION', `${folder} holds a run already: --resume goes on with it, another --out leaves it`);
  }
}

/** Removes what a killed run was writing; the folder is locked. Its checkpoint's is gone with the lock. */
export async function clearRunFolder(folder: string): Promise<void> {
  await removeLeftNeighbours(folder, [
    ...['settings.json', 'model.json', 'weights.bin'],
    ...['history.json', 'metrics.json', 'report.html'],
  ]);
}

/** The settings that a run was started with, or none for a new one. @throws FerError `CHECKPOINT` for a damaged file. */
export async function savedSettings(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, 'settings.json');
  if (!existsSync(path)) return {};
  try {
    return checkSettings(JSON.parse((await readRegularFile(path, MOST_SETTINGS)).toString()), path);
  } catch (error) {
    if (error instanceof FerError) throw error;
    throw new FerError('CHECKPOINT', `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Keeps the settings of a run, for `--resume`. */
export async function saveSettings(folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFileWhole(join(folder, 'settings.json'), `${JSON.stringify(settings, null, 1)}\n`);
}

/** What a finished training leaves. */
export interface FinishedRun {
  model: LayersModel;
  result: TrainResult;
  metrics: RunMetrics;
  /** Those of the test images, else of the validation images; none with `--no-images`. */
  mistakes?: readonly Mistake[];
  quantize: SaveModelOptions['quantize'];
}

/** Writes `model.json`, `weights.bin`, `history.json`, `metrics.json` and `report.html` into the folder of a run. */
export async function writeRun(
  folder: string,
  { model, result, metrics, mistakes, quantize }: FinishedRun,
): Promise<void> {
  await saveModel(model, folder, { quantize });
  const json = (name: string, value: unknown) =>
    writeFileWhole(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
  await json('history.json', result.history);
  await json('metrics.json', metrics);
  const evaluation = metrics.test ?? metrics.validation;
  if (evaluation === undefined) return;
  const page = await reportHtml({
    title: basename(folder),
    measuredOn: (metrics.test ? metrics.data.test : metrics.data.validation) ?? '',
    evaluation,
    model: summary(model),
    training: result,
    mistakes,
    tables: { Data: text(metrics.data), Settings: text(metrics.settings), Versions: metrics.environment },
  });
  await writeFileWhole(join(folder, 'report.html'), page);
}

/** Versions and machine, for reports. */
export function environment(backend: string): Record<string, string> {
  return {
    'fer-dcnn': packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    backend,
  };
}

/** Bytes of settings.json. */
const MOST_SETTINGS = 2 ** 20;

function text(values: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
