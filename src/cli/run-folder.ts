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

/** The content of `metrics.json`. */
export interface RunMetrics {
  /** The epoch (from 1) whose weights were kept, and its figures. */
  best: TrainResult['best'];
  /** Number of finished epochs. */
  stoppedAt: number;
  /** Seconds that this took; for a resumed training, since it was resumed. */
  seconds: number;
  validation?: EvaluationReport;
  test?: EvaluationReport;
  data: { train: string; validation?: string; test?: string; images: number; leftOut: Record<string, number> };
  settings: Readonly<Record<string, unknown>>;
  environment: Readonly<Record<string, string>>;
}

/**
 * Checks that a folder is free for a run.
 *
 * @throws FerError `OPTION` when it already has a run, which `--resume` would continue.
 */
export function checkRunFolder(folder: string, resume: boolean): void {
  if (resume) return;
  const found = ['checkpoint.bin', 'model.json'].find((name) => existsSync(join(folder, name)));
  if (found !== undefined) {
    throw new FerError('OPTION', `${folder} already has a run: --resume continues it, another --out keeps it`);
  }
}

/** Removes unfinished files of a killed run; the folder is locked. Taking the lock already removed those of its checkpoint. */
export async function clearRunFolder(folder: string): Promise<void> {
  await removeLeftNeighbours(folder, [
    ...['settings.json', 'model.json', 'weights.bin'],
    ...['history.json', 'metrics.json', 'report.html'],
  ]);
}

/** The settings of a run, or none for a new one. @throws FerError `CHECKPOINT` for a damaged file. */
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

/** Writes the settings of a run, for `--resume`. */
export async function saveSettings(folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFileWhole(join(folder, 'settings.json'), `${JSON.stringify(settings, null, 1)}\n`);
}

/** The results of a finished training. */
export interface FinishedRun {
  model: LayersModel;
  result: TrainResult;
  metrics: RunMetrics;
  /** Mistakes on the test images, or else on the validation images; none with `--no-images`. */
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

/** Largest settings.json in bytes. */
const MOST_SETTINGS = 2 ** 20;

function text(values: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
