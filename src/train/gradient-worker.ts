import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { startBackend, useBackend } from '../backends/use-backend.js';
import { reasonOf } from '../errors.js';
import { fromFiles, type ModelFiles } from '../model/artifacts.js';
import { batchGradients, type GradientSource, type Share, type TakenShare, takeShare } from './batch-gradients.js';
import { type StoredSamples, type TakeOptions, TrainingData } from './training-data.js';

/** What a worker is told first. */
export interface WorkerStart {
  files: ModelFiles;
  stored: StoredSamples;
  options: TakeOptions;
  seed: number;
  weightOfClass: Float32Array | null;
  backend: string;
  /** All trainable weights, one after the other; shared. Read at the beginning of every step. */
  weights: Float32Array;
  /** As `weights`, for this worker's gradients; shared. Written at the end of every step. */
  gradients: Float32Array;
}

/** What a worker is told then, every step. */
export interface WorkerStep {
  share: Share;
  /** What comes after; it is augmented while the weights are moved elsewhere. */
  next: Share | null;
}

/** What a worker answers: at first that it is ready, then the figures of every share. */
export type WorkerAnswer =
  | { kind: 'ready' }
  /** `moving`: the weights that are not trained, such as batch normalisation's averages, as the share left them. */
  | { kind: 'done'; loss: number; right: number; moving: Float32Array[] }
  | { kind: 'failed'; reason: string };

/** Runs in a worker: computes the gradients of each share that it is sent. */
export function answerGradientRequests(main: {
  post(message: WorkerAnswer): void;
  listen(onMessage: (message: WorkerStart | WorkerStep) => void): void;
}): void {
  let work: Work | undefined;
  main.listen(async (message) => {
    try {
      if ('files' in message) {
        work = await prepare(message);
        main.post({ kind: 'ready' });
      } else {
        main.post(await compute(work!, message.share));
        work!.ahead = message.next && takeShare(work!.source, message.next);
      }
    } catch (error) {
      main.post({ kind: 'failed', reason: reasonOf(error) });
    }
  });
}

// --- below this line: helpers of this file alone ---

interface Work {
  source: GradientSource;
  moving: tf.Variable[];
  weights: Float32Array;
  gradients: Float32Array;
  /** The next share, when it has been taken already. */
  ahead: TakenShare | null;
}

async function prepare(start: WorkerStart): Promise<Work> {
  await useBackend((await startBackend(start.backend)).name);
  const model = await fromFiles(start.files);
  const { stored, options, seed, weightOfClass, weights, gradients } = start;
  const source = {
    ...{ model, spec: options.spec, seed, weightOfClass },
    variables: read(model.trainableWeights),
    training: new TrainingData(stored, options),
  };
  return { source, moving: read(model.nonTrainableWeights), weights, gradients, ahead: null };
}

async function compute({ source, moving, weights, gradients, ahead }: Work, share: Share): Promise<WorkerAnswer> {
  let offset = 0;
  for (const variable of source.variables) {
    // A copy: a tensor over shared memory would change under TF.js's hands.
    const values = weights.slice(offset, offset + variable.size);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    offset += variable.size;
  }
  const taken = ahead?.step === share.step ? ahead : takeShare(source, share);
  const batch = batchGradients(source, taken);
  const figures = await batch.figures();
  offset = 0;
  for (const variable of source.variables) {
    gradients.set(await batch.gradients[variable.name].data(), offset);
    offset += variable.size;
  }
  tf.dispose(batch.gradients);
  const left = await Promise.all(moving.map(async (variable) => Float32Array.from(await variable.data())));
  return { kind: 'done', ...figures, moving: left };
}

function read(weights: LayersModel['weights']): tf.Variable[] {
  return weights.map((weight) => weight.read() as tf.Variable);
}
