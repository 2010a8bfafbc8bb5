import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { buildModel, classify, createClassifier, FerError, train, useBackend } from '../../src/index.js';
import { smallFaces } from '../train/small-faces.js';

/* Long runs leave memory as it was. `npm run soak` does all of it: 100,000 classifications, 2,000 steps. */
const FULL = process.env.FER_SOAK === 'full';
const CLASSIFICATIONS = FULL ? 100_000 : 4_000;
const STEPS = FULL ? 2_000 : 90;
/** Bytes that the process may be larger by at the end than after the first tenth. */
const GROWTH = 48 * 2 ** 20;

const [face, other] = smallFaces().map(({ image }) => image);

describe('long runs', () => {
  test(`${CLASSIFICATIONS} classifications leave no tensor, no memory, and the first answer`, {
    timeout: 3_600_000,
  }, async () => {
    const expected = await classify(face);
    let tensors = 0;
    let rss = 0;
    for (let done = 0; done < CLASSIFICATIONS; done += 100) {
      if (done === CLASSIFICATIONS / 10) {
        tensors = tf.memory().numTensors;
        rss = process.memoryUsage.rss();
      }
      const lists = await Promise.all(Array.from({ length: 100 }, (_, i) => classify(i % 2 ? face : other)));
      expect(lists[99]).toEqual(expected);
    }
    expect(tf.memory().numTensors).toBe(tensors);
    const growth = process.memoryUsage.rss() - rss;
    console.log(`soak: ${CLASSIFICATIONS} classifications, ${(growth / 2 ** 20).toFixed(1)} MB more`);
    expect(growth).toBeLessThan(GROWTH);
  });

  test(`${STEPS} training steps leave no tensor and no memory`, { timeout: 3_600_000 }, async () => {
    await useBackend('wasm');
    const model = buildModel({ seed: 1 });
    const before = tf.memory().numTensors;
    const sizes: number[] = [];
    await train(model, smallFaces(), {
      epochs: Math.ceil(STEPS / 3),
      batchSize: 8,
      callbacks: { onEpochEnd: () => void sizes.push(process.memoryUsage.rss()) },
    });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    const growth = sizes.at(-1)! - sizes[Math.floor(sizes.length / 10)];
    console.log(`soak: ${STEPS} steps, ${(growth / 2 ** 20).toFixed(1)} MB more`);
    expect(growth).toBeLessThan(GROWTH);
  });
});

describe('much at once', () => {
  test('200 calls on mixed backends, some disposed of in between: right answers or DISPOSED', async () => {
    const right = await classify(face);
    const classifiers = ['simd', 'wasm', 'cpu', 'simd'].map((backend) => createClassifier({ backend }));
    const calls = Array.from({ length: 200 }, async (_, i) => {
      if (i % 40 === 39) classifiers[(i / 40) & 1].dispose();
      return classifiers[i % 4].classify(face);
    });
    const told = await Promise.allSettled(calls);
    let answers = 0;
    for (const each of told) {
      if (each.status === 'rejected') {
        expect(each.reason).toBeInstanceOf(FerError);
        expect(each.reason.code).toBe('DISPOSED');
        continue;
      }
      answers++;
      expect(each.value.map(({ className }) => className)).toEqual(right.map(({ className }) => className));
      const distances = each.value.map(({ probability }, k) => Math.abs(probability - right[k].probability));
      expect(Math.max(...distances)).toBeLessThan(1e-5);
    }
    // Those of the two that lived to the end, at least.
    expect(answers).toBeGreaterThanOrEqual(100);
    for (const classifier of classifiers) classifier.dispose();
  });
});
