import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { randomStream } from '../src/tfjs/train/random.js';

/** A model's answers to the faces of one set. */
export interface Said {
  /** Log probabilities, [n,classes] flattened. */
  logs: Float32Array;
  /** The true class of each face, [n]. */
  labels: ArrayLike<number>;
}

const CLASSES = 5;
const RESAMPLES = 20;

/**
 * Finds one number per class that, added to the logits, gives the best macro recall, averaged over the sets. Macro recall
 * weighs all classes alike, however often a set has them.
 *
 * A coordinate search runs on resamples of the faces (bootstrap) and its results are averaged, because the rare classes of a
 * set have only a few dozen faces. The offsets sum to 0.
 */
export function bestOffsets(sets: readonly Said[]): number[] {
  const sums = new Array<number>(CLASSES).fill(0);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    const drawn = sets.map((said, set) => redrawn(said, randomStream(19, resample, set)));
    searched(drawn).forEach((offset, c) => {
      sums[c] += offset / RESAMPLES;
    });
  }
  return sums;
}

/** Macro recall (mean recall of the classes), averaged over the sets. */
export function meanMacroRecall(sets: readonly Said[], offsets: readonly number[]): number {
  return sets.reduce((sum, said) => sum + macroRecall(said, offsets), 0) / sets.length;
}

/** Adds the offsets to a model's logits through the bias of its last layer: the architecture does not change. */
export function foldOffsets(model: LayersModel, offsets: readonly number[]): void {
  const weights = model.layers[model.layers.length - 1].trainableWeights;
  const bias = weights[weights.length - 1].read() as tf.Variable;
  tf.tidy(() => bias.assign(tf.add(bias, tf.tensor1d([...offsets]))));
}

function searched(sets: readonly Said[]): number[] {
  let offsets = new Array<number>(CLASSES).fill(0);
  let best = meanMacroRecall(sets, offsets);
  for (const step of [0.8, 0.4, 0.2, 0.1, 0.1]) {
    for (let turn = 0; turn < 2 * CLASSES; turn++) {
      for (const change of [-step, step]) {
        const tried = offsets.map((offset, c) => (c === turn % CLASSES ? offset + change : offset));
        const score = meanMacroRecall(sets, tried);
        if (score > best + 1e-9) [best, offsets] = [score, tried];
      }
    }
  }
  const mean = offsets.reduce((sum, offset) => sum + offset, 0) / CLASSES;
  return offsets.map((offset) => offset - mean);
}

function macroRecall({ logs, labels }: Said, offsets: readonly number[]): number {
  const right = new Array<number>(CLASSES).fill(0);
  const faces = new Array<number>(CLASSES).fill(0);
  for (let row = 0; row < labels.length; row++) {
    let said = 0;
    for (let c = 1; c < CLASSES; c++) {
      if (logs[row * CLASSES + c] + offsets[c] > logs[row * CLASSES + said] + offsets[said]) said = c;
    }
    faces[labels[row]]++;
    if (said === labels[row]) right[said]++;
  }
  const present = faces.filter((count) => count > 0).length;
  return right.reduce((sum, count, c) => sum + (faces[c] === 0 ? 0 : count / faces[c]), 0) / present;
}

/** Draws as many faces as there are, with replacement (bootstrap). */
export function redrawn({ logs, labels }: Said, random: () => number): Said {
  const rows = Array.from(labels, () => Math.floor(random() * labels.length));
  return {
    logs: Float32Array.from(rows.flatMap((row) => Array.from(logs.subarray(row * CLASSES, (row + 1) * CLASSES)))),
    labels: rows.map((row) => labels[row]),
  };
}
