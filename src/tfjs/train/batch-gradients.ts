import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { indexOfLargest } from '../evaluate/metrics.js';
import type { ModelSpec } from '../model/model-spec.js';
import { withFrozenStatistics } from './frozen-statistics.js';
import { randomStream } from './random.js';
import { withSeededDropout } from './seeded-dropout.js';
import type { TrainingData } from './training-data.js';
import { trainingLoss } from './training-loss.js';

/** A part of a batch, or the whole batch. */
export interface Share {
  /** Samples of the part. */
  indices: Uint32Array;
  /** First row of the part in the batch, so that a sample's augmentation does not depend on how the batch is split. */
  firstRow: number;
  /** Index of the part, from 0; each part draws its own dropout masks. */
  part: number;
  /** Epoch, from 1. */
  epoch: number;
  /** Steps of the whole training before this one. */
  step: number;
}

/** The settings that stay the same for all batches. */
export interface GradientSource {
  model: LayersModel;
  /** The weights whose gradients are computed. */
  variables: tf.Variable[];
  spec: ModelSpec;
  training: TrainingData;
  seed: number;
  /** Factors of the samples' loss by class, [classes]. */
  weightOfClass: Float32Array | null;
}

export interface BatchGradients {
  /** By the variables' names; the caller disposes them. */
  gradients: tf.NamedTensorMap;
  /** Reads the mean loss and the number of correct answers; call it only once. */
  figures(): Promise<{ loss: number; right: number }>;
}

/** A part of a batch after augmentation: the input of the model. */
export interface TakenShare extends Share {
  /** [n,height,width,channels] */
  inputs: Float32Array;
  /** Probabilities, [n,classes]. */
  labels: Float32Array;
  /** Weight of each sample's loss, [n]; null if all are equal. */
  weights: Float32Array | null;
}

/** Reads and augments the samples of a part. */
export function takeShare(source: GradientSource, share: Share): TakenShare {
  const { indices, firstRow, epoch, step } = share;
  const { inputSize } = source.spec;
  const inputs = new Float32Array(indices.length * inputSize);
  indices.forEach((index, i) => {
    takeRow(source, index, { epoch, step, row: firstRow + i }, inputs, i * inputSize);
  });
  return { ...share, inputs, ...rowTargets(source, indices, epoch) };
}

/** Writes the augmented sample of one row of a batch to `out[offset...]`. It needs no weights, so it can run ahead of the step. */
export function takeRow(
  { training, seed }: GradientSource,
  index: number,
  { epoch, step, row }: { epoch: number; step: number; row: number },
  out: Float32Array,
  offset: number,
): void {
  // The position is part of the key: balanced sampling may use a sample more than once.
  const key = training.views > 0 ? [seed, 5, index, training.viewOf(epoch)] : [seed, 2, epoch, step, row];
  training.take(index, out, offset, randomStream(...key));
}

/** The labels of the samples, and the weight of each sample's loss. */
export function rowTargets(
  { training, spec, weightOfClass }: GradientSource,
  indices: Uint32Array,
  epoch: number,
): Pick<TakenShare, 'labels' | 'weights'> {
  const { classes } = spec;
  const labels = new Float32Array(indices.length * classes);
  const weights = weightOfClass && new Float32Array(indices.length);
  indices.forEach((index, row) => {
    labels.set(training.labelOf(index, epoch), row * classes);
    if (weights) weights[row] = weightOfClass![training.truth[index]];
  });
  return { labels, weights };
}

/** Runs a part of a batch through the model, and returns the gradients of its mean loss. */
export function batchGradients(source: GradientSource, share: TakenShare): BatchGradients {
  const { model, variables, spec, training, seed } = source;
  const { indices, part, step, inputs, labels, weights } = share;
  const { classes } = spec;
  const n = indices.length;

  let outputs: tf.Tensor2D | undefined;
  let made: ReturnType<typeof tf.variableGrads>;
  try {
    made = tf.tidy(() => {
      const xs = tf.tensor4d(inputs, [n, spec.height, spec.width, spec.channels]);
      const ys = tf.tensor2d(labels, [n, classes]);
      const ws = weights && tf.tensor1d(weights);
      return withFrozenStatistics(model, () =>
        withSeededDropout(model, [seed, 3, step, part], () =>
          tf.variableGrads(() => {
            const forward = trainingLoss(model, xs, ys, ws);
            outputs = tf.keep(forward.outputs);
            return forward.loss;
          }, variables),
        ),
      );
    });
  } catch (error) {
    // The model was disposed, or a layer of the user fails, or an op has no gradient.
    outputs?.dispose();
    throw error;
  }
  const { value, grads } = made;

  return {
    gradients: grads,
    async figures() {
      try {
        const [[loss], answers] = await Promise.all([value.data(), outputs!.data()]);
        let right = 0;
        indices.forEach((index, row) => {
          if (indexOfLargest(answers, row * classes, classes) === training.truth[index]) right++;
        });
        return { loss, right };
      } finally {
        tf.dispose([value, outputs!]);
      }
    },
  };
}
