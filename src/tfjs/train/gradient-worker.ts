import type * as tf from '@tensorflow/tfjs-core';
import { startBackend, useBackend } from '../../classify/use-backend.js';
import { reasonOf } from '../../errors.js';
import { currentBackend } from '../backends/current-backend.js';
import { nativeOnShared } from '../kernels/native.js';
import { fromFiles, type ModelFiles } from '../model/artifacts.js';
import { type SharedLayout, SharedState } from './shared-state.js';
import { StepBarrier } from './step-barrier.js';
import { StepThread } from './step-thread.js';
import { type StoredSamples, type TakeOptions, TrainingData } from './training-data.js';

/** The message that starts a worker. */
export interface WorkerStart {
  /** Index of the thread; 0 is the calling thread. */
  thread: number;
  files: ModelFiles;
  stored: StoredSamples;
  options: TakeOptions;
  seed: number;
  weightOfClass: Float32Array | null;
  backend: string;
  layout: SharedLayout;
  memory: WebAssembly.Memory;
}

/** The answers of a worker. */
export type WorkerAnswer = { kind: 'ready' } | { kind: 'failed'; reason: string };

/** Runs in a worker: takes part in every step that is announced in the shared memory, until the thread is terminated. */
export function takePartInSteps(main: {
  post(message: WorkerAnswer): void;
  listen(onMessage: (message: WorkerStart) => void): void;
}): void {
  main.listen(async (start) => {
    try {
      const { state, thread } = await prepare(start);
      main.post({ kind: 'ready' });
      for (let steps = 0; ; steps = (steps + 1) | 0) {
        Atomics.wait(state.announced, 0, steps);
        await thread.take(state.announcement());
      }
    } catch (error) {
      main.post({ kind: 'failed', reason: reasonOf(error) });
    }
  });
}

async function prepare(start: WorkerStart): Promise<{ state: SharedState; thread: StepThread }> {
  await useBackend((await startBackend(start.backend)).name);
  const { thread, files, stored, options, seed, weightOfClass, layout, memory } = start;
  const model = await fromFiles(files);
  const state = new SharedState(layout, memory);
  const barrier = new StepBarrier(state.arrivals, layout.threads);
  const source = {
    ...{ model, spec: options.spec, seed, weightOfClass },
    variables: model.trainableWeights.map((weight) => weight.read() as tf.Variable),
    training: new TrainingData(stored, options),
  };
  const backend = await currentBackend();
  const kernels = await nativeOnShared(memory);
  const wait = () => void barrier.wait();
  return { state, thread: new StepThread({ thread, source, backend, state, kernels, barrier, wait }) };
}
