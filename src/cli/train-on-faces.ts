import { join } from 'node:path';
import { evaluateFolder } from '../folders/evaluate-folder.js';
import { type TrainOptions, train, useBackend } from '../index.js';
import { splitFolder } from '../node.js';
import type { FaceRun } from '../studio/face-runs.js';
import type { StudioOptions } from '../studio/serve-studio.js';
import { loadPretrained, pretrained } from '../weights.js';
import { countReasons } from './left-out.js';
import { environment, writeRun } from './run-folder.js';

/** Total number of samples, so that few faces get enough steps: as many as 20 epochs of 160 faces. */
const epochsFor = (faces: number) => Math.min(80, Math.max(10, Math.round(3200 / faces)));

export interface TrainOnFacesOptions {
  /**
   * Passes over the faces.
   * @default 10 to 80, more when there are fewer faces
   */
  epochs?: number;
}

/**
 * Makes the function that fine-tunes the pretrained weights on the faces of a run of the studio: four fifths of each class train, a fifth measures.
 * Model and report are written into the run's folder, as by `fer-dcnn train`.
 *
 * @returns A function whose result is the figures for the page: accuracy on the measured faces after the training, and before it if the classes are the same.
 */
export function trainOnFaces({ epochs }: TrainOnFacesOptions = {}): StudioOptions['train'] {
  return (run, progress) => trainOn(run, epochs, progress);
}

async function trainOn(
  run: FaceRun,
  epochs: number | undefined,
  { signal, onProgress }: Parameters<StudioOptions['train']>[1],
): ReturnType<StudioOptions['train']> {
  const began = performance.now();
  await useBackend('wasm');
  const faces = join(run.folder, 'faces');
  const seed = 1;
  const parts = splitFolder(faces, { ratio: [0.8, 0.2], seed, classes: run.classes, aliases: false });
  const { classes } = parts.train;
  const same = classes.length === pretrained.classes.length && pretrained.classes.every((c) => classes.includes(c));
  const model = await loadPretrained(same ? {} : { classes, seed });
  try {
    const before = same ? (await evaluateFolder(model, parts.validation, { signal })).report : undefined;
    const settings = {
      epochs: epochs ?? epochsFor(parts.train.length),
      batchSize: 16,
      learningRate: 5e-4,
      schedule: 'cosine',
      sampling: 'balanced',
      normalization: pretrained.normalization,
      augment: { flip: true, rotation: 10, shift: 0.06, scale: 0.12, brightness: 0.1, contrast: 0.2 },
      // The measured faces do not select the epoch, because the figure would then be too good.
      monitor: 'loss',
      seed,
    } satisfies TrainOptions;
    const result = await train(model, parts.train, {
      ...settings,
      validationData: parts.validation,
      signal,
      callbacks: {
        onEpochEnd: (epoch, { accuracy, valAccuracy }) =>
          onProgress({ epoch, epochs: settings.epochs, accuracy, valAccuracy }),
      },
    });
    const { report, mistakes } = await evaluateFolder(model, parts.validation, { signal });
    const names = { train: '80% of the faces', validation: '20% of the faces, which were not trained on' };
    const metrics = {
      best: result.best,
      stoppedAt: result.stoppedAt,
      seconds: Math.round((performance.now() - began) / 1000),
      validation: report,
      data: { ...names, images: parts.train.length, leftOut: countReasons(parts.train.leftOut) },
      settings: { ...settings, model: 'pretrained' },
      environment: environment('wasm'),
    };
    await writeRun(run.folder, { model, result, metrics, mistakes, quantize: 'none' });
    return {
      folder: run.folder,
      trained: parts.train.length,
      measured: report.count,
      before: before?.accuracy,
      after: report.accuracy,
      seconds: metrics.seconds,
    };
  } finally {
    model.dispose();
  }
}
