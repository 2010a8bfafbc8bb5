import * as tf from '@tensorflow/tfjs-core';
import type { Backend } from '../../classify/backend.js';
import { runOn } from '../backends/current-backend.js';
import { type NativeKernels, valuesInPlace } from '../kernels/native.js';
import { batchGradients, type GradientSource, rowTargets, takeRow } from './batch-gradients.js';
import type { AnnouncedStep, SharedState } from './shared-state.js';
import type { StepBarrier } from './step-barrier.js';

/** The environment of a thread. */
export interface StepThreadParts {
  /** Index of the thread, from 0. */
  thread: number;
  /** The model that this thread runs, and the data. */
  source: GradientSource;
  backend: Backend;
  state: SharedState;
  /** Kernels on the memory of the state. */
  kernels: NativeKernels;
  barrier: StepBarrier;
  /** Waits until all have arrived at the barrier. */
  wait(): void | Promise<void>;
}

/**
 * One thread's part in the steps of a training on several threads. The calling thread and every worker have one. Thread `t`
 * computes the gradients of the `t`th part of the batch, then updates the `t`th slice of the weights with the gradients of all
 * threads, added in the order of the threads. So the result does not depend on which thread finishes first.
 */
export class StepThread {
  readonly #parts: StepThreadParts;
  /** The step whose inputs are ready. */
  #augmented = -1;

  constructor(parts: StepThreadParts) {
    this.#parts = parts;
  }

  /** Takes part in a step; afterwards the model has the new weights. */
  async take(step: AnnouncedStep): Promise<void> {
    const { barrier, wait } = this.#parts;
    if (this.#augmented !== step.step) {
      this.#augment(step.first, step.rows, step);
      barrier.arrive();
      await wait();
    }
    await this.#writeGradients(step);
    barrier.arrive();
    // Threads that finish early prepare the next batch.
    this.#augment(step.first + step.rows, step.following, { ...step, step: step.step + 1 });
    await wait();
    this.#moveSlice(step);
    barrier.arrive();
    await wait();
    this.readWeights();
  }

  /** Copies the shared weights into the model of this thread. */
  readWeights(): void {
    const { backend, source, state } = this.#parts;
    runOn(backend, () => {
      // Backends other than wasm keep the given array, and this one changes.
      const copies = tf.getBackend() === 'wasm';
      allVariables(source).forEach((variable, i) => {
        const shared = state.weights.subarray(state.starts[i], state.starts[i] + variable.size);
        tf.tidy(() => variable.assign(tf.tensor(copies ? shared : shared.slice(), variable.shape)));
      });
    });
  }

  /** Augments rows of a batch until all are done: each thread takes the next free row. */
  #augment(first: number, rows: number, { epoch, step }: AnnouncedStep): void {
    const { source, state } = this.#parts;
    const { inputSize } = state.layout;
    const inputs = state.inputs[step % 2];
    for (;;) {
      const row = Atomics.add(state.rowsTaken, step % 2, 1);
      if (row >= rows) break;
      takeRow(source, state.order[first + row], { epoch, step, row }, inputs, row * inputSize);
    }
    if (rows > 0) this.#augmented = step;
  }

  async #writeGradients({ first, rows, epoch, step }: AnnouncedStep): Promise<void> {
    const { thread, source, backend, state } = this.#parts;
    const threads = Math.min(state.layout.threads, rows);
    if (thread >= threads) return;
    const firstRow = Math.floor((thread * rows) / threads);
    const end = Math.floor(((thread + 1) * rows) / threads);
    const { inputSize } = state.layout;
    const indices = state.order.slice(first + firstRow, first + end);
    const inputs = state.inputs[step % 2].subarray(firstRow * inputSize, end * inputSize);
    const share = { indices, firstRow, part: thread, epoch, step, inputs, ...rowTargets(source, indices, epoch) };

    const { gradients, figures } = runOn(backend, () => batchGradients(source, share));
    const { loss, right } = await figures();
    state.figures.set([loss, right], 2 * thread);
    state.portions[thread] = indices.length / rows;
    const made = [...source.variables.map(({ name }) => gradients[name]), ...untrained(source)];
    for (const [i, tensor] of made.entries()) {
      const values = runOn(backend, () => valuesInPlace(tensor)) ?? (await tensor.data<'float32'>());
      state.gradients[thread].set(values, state.starts[i]);
    }
    tf.dispose(gradients);
  }

  #moveSlice(step: AnnouncedStep): void {
    const { thread, state, kernels } = this.#parts;
    const { weights, means, squares, averages, gradients, portions, starts } = state;
    const { trainable, decaying, threads } = state.layout;
    const { learningRate, beta1, beta2, epsilon, meanScale, squareScale, averageDecay } = step;
    const busy = Math.min(threads, step.rows);
    const end = starts[trainable.length];
    const slice = Math.ceil(end / threads / 16) * 16;
    trainable.forEach((_, i) => {
      const first = Math.max(starts[i], thread * slice);
      const count = Math.min(starts[i + 1], (thread + 1) * slice) - first;
      if (count <= 0) return;
      const address = (array: Float32Array) => (array.length === 0 ? 0 : array.byteOffset + 4 * first);
      kernels.adamOfMany(
        ...[address(weights), address(gradients[0]), gradients[1].byteOffset - gradients[0].byteOffset],
        ...[portions.byteOffset, busy, address(means), address(squares), address(averages), count],
        ...[learningRate, beta1, beta2, epsilon, meanScale, squareScale, decaying[i] ? step.decay : 1, averageDecay],
      );
    });
    // The few weights that are not trained become the mean of the threads' new values.
    if (thread > 0) return;
    for (let i = end; i < weights.length; i++) {
      let mean = 0;
      for (let t = 0; t < busy; t++) mean += portions[t] * gradients[t][i];
      weights[i] = mean;
    }
  }
}

function allVariables(source: GradientSource): tf.Variable[] {
  return [...source.variables, ...untrained(source)];
}

function untrained({ model }: GradientSource): tf.Variable[] {
  return model.nonTrainableWeights.map((weight) => weight.read() as tf.Variable);
}
