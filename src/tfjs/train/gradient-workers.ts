import * as tf from '@tensorflow/tfjs-core';
import { runtime } from '#runtime';
import type { Backend } from '../../classify/backend.js';
import { FerError, reasonOf } from '../../errors.js';
import type { Thread } from '../../runtime.js';
import { type NativeKernels, nativeOnShared } from '../kernels/native.js';
import { toFiles } from '../model/artifacts.js';
import type { WorkerAnswer, WorkerStart } from './gradient-worker.js';
import { SharedState } from './shared-state.js';
import { StepBarrier } from './step-barrier.js';
import { StepThread } from './step-thread.js';
import type { StoredSamples } from './training-data.js';
import type { TrainingRun } from './training-run.js';
import type { TrainingSteps } from './training-steps.js';

/**
 * Makes the steps of a training on `count` threads; the calling thread is the first. Every thread has a copy of the model.
 * Samples, weights, moments and gradients are in shared memory, where the threads also wait for each other without messages.
 * See {@link StepThread}.
 *
 * @throws FerError `OPTION` where such threads do not exist; `BACKEND_UNAVAILABLE` without SIMD, or when a thread ends;
 * `MODEL` when a thread fails.
 */
export async function startGradientWorkers(
  count: number,
  run: TrainingRun,
  batchSize: number,
  backend: Backend,
): Promise<TrainingSteps> {
  const { source } = run;
  const { model, variables, training, seed, weightOfClass, spec } = source;
  const threads: Thread[] = [];
  let failure: FerError | undefined;
  try {
    const untrained = model.nonTrainableWeights.map((weight) => weight.read() as tf.Variable);
    const layout = {
      threads: count,
      trainable: variables.map(({ size }) => size),
      decaying: variables.map(({ rank }) => rank > 1),
      moving: untrained.map(({ size }) => size),
      averaged: run.moved.averages.length > 0,
      ...{ samples: training.count, batchSize: Math.min(batchSize, training.count), inputSize: spec.inputSize },
    };
    // One by one: if one does not start, the earlier ones are terminated.
    while (threads.length < count - 1) threads.push(runtime.startGradientWorker());
    const state = new SharedState(layout);
    const kernels = await kernelsOn(state.memory);
    const start: Omit<WorkerStart, 'thread'> = {
      ...{ files: toFiles(model), stored: shared(training.stored), options: training.options, seed, weightOfClass },
      ...{ backend: backend.name, layout, memory: state.memory },
    };
    await Promise.all(
      threads.map(
        (thread, i) =>
          new Promise<void>((resolve, reject) => {
            const fail = (error: FerError) => {
              failure ??= error;
              reject(failure);
            };
            thread.listen(
              (answer: WorkerAnswer) => {
                if (answer.kind === 'ready') resolve();
                else fail(new FerError('MODEL', `a training worker failed: ${answer.reason}`));
              },
              (reason) => fail(new FerError('WORKER', `a training worker has ended: ${reason}`)),
            );
            thread.post({ ...start, thread: i + 1 } satisfies WorkerStart);
          }),
      ),
    );

    const barrier = new StepBarrier(state.arrivals, count);
    const wait = async () => {
      while (!barrier.wait(PATIENCE_MS)) {
        // Other threads report faults by messages, which are delivered only when this thread is idle.
        await new Promise((resolve) => setTimeout(resolve));
        if (failure) throw failure;
      }
    };
    const here = new StepThread({ thread: 0, source, backend, state, kernels, barrier, wait });
    const { weights, means, squares, averages } = run.moved;
    const held: { array: Float32Array; variables: readonly tf.Variable[] }[] = [
      { array: state.weights, variables: [...weights, ...untrained] },
      { array: state.means, variables: means },
      { array: state.squares, variables: squares },
      { array: state.averages, variables: averages },
    ];
    let epoch = 0;

    return {
      async beginEpoch(number, order) {
        epoch = number;
        state.order.set(order);
        for (const { array, variables } of held) {
          for (const [i, variable] of variables.entries()) array.set(await variable.data(), state.starts[i]);
        }
      },
      async take(first, rows, learningRate) {
        const following = Math.min(batchSize, training.count - first - rows);
        const step = { first, rows, following, epoch, step: run.steps, ...run.nextStep(learningRate) };
        state.announce(step);
        await here.take(step);
        const busy = Math.min(count, rows);
        let [loss, right] = [0, 0];
        for (let thread = 0; thread < busy; thread++) {
          loss += state.figures[2 * thread] * state.portions[thread];
          right += state.figures[2 * thread + 1];
        }
        return { loss, right };
      },
      async endEpoch() {
        // After every step, the model has the current weights.
        for (const { array, variables } of held.slice(1)) {
          variables.forEach((variable, i) => {
            const values = array.slice(state.starts[i], state.starts[i] + variable.size);
            tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
          });
        }
      },
      dispose() {
        for (const thread of threads) thread.end();
      },
    };
  } catch (error) {
    for (const thread of threads) thread.end();
    throw error;
  }
}

/** Milliseconds that the calling thread waits for others before it checks for their messages. */
const PATIENCE_MS = 50;

async function kernelsOn(memory: WebAssembly.Memory): Promise<NativeKernels> {
  try {
    return await nativeOnShared(memory);
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `workers need WebAssembly with SIMD and threads: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function shared({ data, starts, sizes, labels, viewLabels }: StoredSamples): StoredSamples {
  const copy = <T extends Float32Array | Float64Array | Uint16Array | Uint8Array>(array: T): T => {
    const Kind = array.constructor as new (buffer: SharedArrayBuffer) => T;
    const whole = new Kind(new SharedArrayBuffer(array.byteLength));
    whole.set(array);
    return whole;
  };
  return {
    ...{ data: copy(data), starts: copy(starts), sizes: copy(sizes) },
    ...{ labels: copy(labels), viewLabels: viewLabels && copy(viewLabels) },
  };
}
