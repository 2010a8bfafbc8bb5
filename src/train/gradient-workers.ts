import * as tf from '@tensorflow/tfjs-core';
import { runtime } from '#runtime';
import { FerError } from '../errors.js';
import { toFiles } from '../model/artifacts.js';
import type { Thread } from '../runtime.js';
import type { GradientSource, Share } from './batch-gradients.js';
import type { WorkerAnswer, WorkerStart, WorkerStep } from './gradient-worker.js';
import type { StoredSamples } from './training-data.js';

/** Threads that compute the gradients of a batch together. */
export interface GradientWorkers {
  /**
   * Gradients of the batch's mean loss, by the variables' names; the caller disposes them.
   *
   * @param epoch - From 1.
   * @param step - Steps of the whole training before this one.
   * @param next - The batch after this one, if it is known: it is augmented ahead.
   */
  batch(
    indices: Uint32Array,
    epoch: number,
    step: number,
    next: Uint32Array | null,
  ): Promise<{ gradients: tf.NamedTensorMap; loss: number; right: number }>;
  dispose(): void;
}

/**
 * Starts `count` threads, each with a copy of the model; weights, gradients and samples lie in memory that all share.
 * Every thread takes an equal part of each batch, in order, and gradients are added in order: the result is the same
 * whichever is done first.
 *
 * @throws FerError `OPTION` where there are no such threads; `MODEL` when a thread cannot build the model.
 */
export async function startGradientWorkers(
  count: number,
  source: GradientSource,
  backend: string,
): Promise<GradientWorkers> {
  const { model, variables, training, seed, weightOfClass } = source;
  const size = variables.reduce((sum, variable) => sum + variable.size, 0);
  const weights = sharedFloats(size);
  const files = toFiles(model);
  const stored = shared(training.stored);
  const workers: GradientWorker[] = [];
  try {
    for (let part = 0; part < count; part++) workers.push(new GradientWorker(sharedFloats(size)));
    await Promise.all(
      workers.map((worker) => {
        const { options } = training;
        const start: WorkerStart = {
          files,
          stored,
          options,
          seed,
          weightOfClass,
          backend,
          weights,
          gradients: worker.gradients,
        };
        return worker.ask(start);
      }),
    );
  } catch (error) {
    for (const worker of workers) worker.end();
    throw error;
  }

  return {
    async batch(indices, epoch, step, next) {
      await writeWeights(variables, weights);
      const shares = sharesOf(indices, count, epoch, step);
      const following = next && sharesOf(next, count, epoch, step + 1);
      const answers = await Promise.all(
        shares.map((share, i) => workers[i].ask({ share, next: following?.[i] ?? null })),
      );
      const portions = shares.map((share) => share.indices.length / indices.length);
      setMoving(
        source,
        answers.map((answer) => answer.moving),
        portions,
      );
      return {
        gradients: addedGradients(
          variables,
          shares.map((_, i) => workers[i].gradients),
          portions,
        ),
        loss: answers.reduce((sum, { loss }, i) => sum + loss * portions[i], 0),
        right: answers.reduce((sum, { right }) => sum + right, 0),
      };
    },
    dispose() {
      for (const worker of workers) worker.end();
    },
  };
}

// --- below this line: helpers of this file alone ---

type Done = Extract<WorkerAnswer, { kind: 'done' }>;

/** One thread, asked one thing at a time. */
class GradientWorker {
  readonly gradients: Float32Array;
  readonly #thread: Thread;
  #settle: { resolve(answer: Done): void; reject(error: FerError): void } | undefined;
  #ended: FerError | undefined;

  constructor(gradients: Float32Array) {
    this.gradients = gradients;
    this.#thread = runtime.startGradientWorker();
    this.#thread.listen(
      (answer: WorkerAnswer) => {
        if (answer.kind === 'failed')
          this.#settle?.reject(new FerError('MODEL', `a training worker failed: ${answer.reason}`));
        else this.#settle?.resolve(answer as Done);
      },
      (reason) => {
        this.#ended ??= new FerError('BACKEND_UNAVAILABLE', `a training worker has ended: ${reason}`);
        this.#settle?.reject(this.#ended);
      },
    );
  }

  ask(message: WorkerStart | WorkerStep): Promise<Done> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#thread.post(message);
    });
  }

  end(): void {
    this.#settle = undefined;
    this.#thread.end();
  }
}

/** Equal parts of a batch, in order; fewer than `count` when there are too few samples. */
function sharesOf(indices: Uint32Array, count: number, epoch: number, step: number): Share[] {
  const parts = Math.min(count, indices.length);
  return Array.from({ length: parts }, (_, part) => {
    const firstRow = Math.floor((part * indices.length) / parts);
    const end = Math.floor(((part + 1) * indices.length) / parts);
    return { indices: indices.slice(firstRow, end), firstRow, part, epoch, step };
  });
}

async function writeWeights(variables: readonly tf.Variable[], weights: Float32Array): Promise<void> {
  let offset = 0;
  for (const variable of variables) {
    weights.set(await variable.data(), offset);
    offset += variable.size;
  }
}

function addedUp(gradients: readonly Float32Array[], portions: readonly number[]): Float32Array {
  const sum = gradients[0].map((value) => value * portions[0]);
  for (let part = 1; part < gradients.length; part++) {
    const portion = portions[part];
    const more = gradients[part];
    for (let i = 0; i < sum.length; i++) sum[i] += more[i] * portion;
  }
  return sum;
}

/** The sum of all parts' gradients, each times its share of the batch; added by the backend, ten times as fast as here. */
function addedGradients(
  variables: readonly tf.Variable[],
  parts: readonly Float32Array[],
  portions: readonly number[],
): tf.NamedTensorMap {
  const sums: tf.NamedTensorMap = {};
  let offset = 0;
  for (const { name, size, shape } of variables) {
    const from = offset;
    sums[name] = tf.tidy(() =>
      parts
        .map((part, i) => tf.mul(tf.tensor(part.slice(from, from + size), shape), portions[i]))
        .reduce((sum, more) => tf.add(sum, more)),
    );
    offset += size;
  }
  return sums;
}

/** What every thread moved on its own (averages of batch normalisation) becomes the mean of all. */
function setMoving({ model }: GradientSource, moved: readonly Float32Array[][], portions: readonly number[]): void {
  model.nonTrainableWeights.forEach((weight, i) => {
    const mean = addedUp(
      moved.map((each) => each[i]),
      portions,
    );
    const variable = weight.read() as tf.Variable;
    tf.tidy(() => variable.assign(tf.tensor(mean, variable.shape)));
  });
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

function shared({ data, starts, sizes, labels }: StoredSamples): StoredSamples {
  const copy = <T extends Float32Array | Float64Array | Uint16Array | Uint8Array>(array: T): T => {
    const Kind = array.constructor as new (buffer: SharedArrayBuffer) => T;
    const whole = new Kind(new SharedArrayBuffer(array.byteLength));
    whole.set(array);
    return whole;
  };
  return { data: copy(data), starts: copy(starts), sizes: copy(sizes), labels: copy(labels) };
}
