import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  buildModel,
  classify,
  classifyFaces,
  createClassifier,
  createTracker,
  evaluate,
  FerError,
  train,
  useBackend,
} from '../../src/index.js';
import { drawn } from '../faces/drawn-images.js';
import { FULL, leftOut, NIGHT } from '../night.js';
import { smallFaces } from '../tfjs/train/small-faces.js';

if (!NIGHT) leftOut('most of the classifications and frames that leave no memory', '1');

/* Long runs leave memory as it was. `npm run soak` does all of it: 100,000 classifications, 2,000 steps and frames. */
const CLASSIFICATIONS = FULL ? 100_000 : NIGHT ? 4_000 : 1_200;
const STEPS = FULL ? 2_000 : 90;
const FRAMES = NIGHT ? 2_000 : 10;
/** Bytes that the process may be larger by at the end than after the first tenth. WebAssembly's memory: by none. */
const GROWTH = 48 * 2 ** 20;

/** All of WebAssembly's memories in this process: of TF.js, of the kernels, of the network, of the decoder. */
const memories = new Set<WebAssembly.Memory>();
const { instantiate, Instance, Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(...given: ConstructorParameters<typeof Memory>) {
    super(...given);
    memories.add(this);
  }
};
WebAssembly.instantiate = (async (...given: Parameters<typeof instantiate>) => {
  const made = (await instantiate(...given)) as unknown as WebAssembly.Instance | { instance: WebAssembly.Instance };
  noteMemory('instance' in made ? made.instance : made);
  return made;
}) as unknown as typeof instantiate;
WebAssembly.Instance = class extends Instance {
  constructor(...given: ConstructorParameters<typeof Instance>) {
    super(...given);
    noteMemory(this);
  }
};

const [face, other] = smallFaces().map(({ image }) => image);

describe('long runs', () => {
  test.each([
    ['simd', CLASSIFICATIONS],
    ['wasm', CLASSIFICATIONS / 4],
    // Some hundred times slower.
    ['cpu', CLASSIFICATIONS / 40],
  ])(
    'of classifications on %s, %i of them, leave no tensor, no memory, and the first answer',
    {
      timeout: 3_600_000,
    },
    async (backend, classifications) => {
      await useBackend(backend);
      const expected = await classify(face);
      const flat = flatness();
      const atOnce = classifications < 4000 ? 10 : 100;
      for (let done = 0; done < classifications; done += atOnce) {
        if (done >= classifications / 10) flat.begin();
        const lists = await Promise.all(Array.from({ length: atOnce }, (_, i) => classify(i % 2 ? face : other)));
        expect(lists.at(-1)).toEqual(expected);
      }
      expect(flat.told(`${classifications} classifications on ${backend}`)).toBe('flat');
    },
  );

  test(`of ${FRAMES} frames with faces, found one by one and followed, leave no memory, and the first answer`, {
    timeout: 3_600_000,
  }, async () => {
    // To the right and back: a face that jumps would be another one.
    const frames = [0, 1, 2, 3, 4, 5, 4, 3, 2, 1].map((i) =>
      drawn(640, 480, 4, [
        { x: 180 + 12 * i, y: 200, size: 90 },
        { x: 470, y: 230 + 5 * i, size: 70 },
      ]),
    );
    const expected = await Promise.all(frames.map((frame) => classifyFaces(frame)));
    expect(expected.map((faces) => faces.length)).toEqual(frames.map(() => 2));
    const tracker = createTracker();
    const flat = flatness();
    for (let done = 0; done < FRAMES; done++) {
      if (done >= FRAMES / 10) flat.begin();
      expect(await classifyFaces(frames[done % 10])).toEqual(expected[done % 10]);
      const { faces } = await tracker.update(frames[done % 10], 40 * done);
      // A face counts once it was visible for 200 ms.
      if (done > 5) expect(faces.map(({ id }) => id)).toEqual([1, 2]);
    }
    expect(flat.told(`${FRAMES} frames with faces`)).toBe('flat');
  });

  test.runIf(NIGHT)(`of ${STEPS} training steps leave no tensor and no memory`, { timeout: 3_600_000 }, async () => {
    await useBackend('wasm');
    const model = buildModel({ seed: 1 });
    const flat = flatness();
    const epochs = Math.ceil(STEPS / 3);
    await train(model, smallFaces(), {
      epochs,
      batchSize: 8,
      callbacks: {
        onEpochEnd(epoch) {
          if (epoch === Math.ceil(epochs / 10)) flat.begin();
          if (epoch === epochs) expect(flat.told(`${3 * epochs} training steps`)).toBe('flat');
        },
      },
    });
    expect(flat.ended()).toBe(true);
    model.dispose();
  });
});

describe('much at once', () => {
  const CALLS = NIGHT ? 200 : 120;
  test(`${CALLS} calls on mixed backends, some disposed in between, give the right answer or DISPOSED`, async () => {
    const right = await classify(face);
    const classifiers = ['simd', 'wasm', 'cpu', 'simd'].map((backend) => createClassifier({ backend }));
    const calls = Array.from({ length: CALLS }, async (_, i) => {
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
    expect(answers).toBeGreaterThanOrEqual(CALLS / 2);
    for (const classifier of classifiers) classifier.dispose();
  });
});

describe('a model that is disposed during calls', () => {
  test.each(['simd', 'wasm', 'cpu'])('calls on %s end with the right answer or DISPOSED', async (backend) => {
    const model = buildModel({ seed: 1 });
    const classifier = createClassifier({ model, backend });
    const right = await classifier.classify(face);
    const calls = Array.from({ length: 40 }, async (_, i) => {
      await new Promise((resolve) => setTimeout(resolve, i % 6));
      if (i === 33) model.dispose();
      return classifier.classify(face);
    });
    const told = await Promise.allSettled(calls);
    for (const each of told) {
      if (each.status === 'fulfilled') expect(each.value).toEqual(right);
      else expect(each.reason).toMatchObject({ name: 'FerError', code: 'DISPOSED' });
    }
    expect(new Set(told.map(({ status }) => status)).size).toBe(2);
    classifier.dispose();
  });

  test('a training and an evaluation end with DISPOSED, and leave no tensor', async () => {
    await useBackend('wasm');
    const before = tf.memory().numTensors;
    for (const moment of ['onBatchEnd', 'onEpochEnd', 'onTrainBegin'] as const) {
      const model = buildModel({ seed: 1 });
      const training = train(model, smallFaces(), { epochs: 3, callbacks: { [moment]: () => void model.dispose() } });
      await expect(training, moment).rejects.toMatchObject({ name: 'FerError', code: 'DISPOSED' });
      await expect(train(model, smallFaces())).rejects.toMatchObject({ name: 'FerError', code: 'DISPOSED' });
    }
    const model = buildModel({ seed: 1 });
    const evaluation = evaluate(model, smallFaces());
    model.dispose();
    await expect(evaluation).rejects.toMatchObject({ name: 'FerError', code: 'DISPOSED' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

function noteMemory({ exports }: WebAssembly.Instance): void {
  for (const each of Object.values(exports)) if (each instanceof Memory) memories.add(each);
}

/** Compares what there is at the end with what there was at the beginning. */
function flatness() {
  const now = () => ({
    tensors: tf.memory().numTensors,
    heap: [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    rss: process.memoryUsage.rss(),
  });
  let before: ReturnType<typeof now> | undefined;
  let ended = false;
  return {
    /** Takes the first measurement; later calls do nothing. */
    begin() {
      before ??= now();
    },
    /** @returns 'flat', or what has grown. */
    told(what: string): string {
      if (before === undefined) throw new Error('nothing was measured at the beginning');
      ended = true;
      const after = now();
      const grown = {
        tensors: after.tensors - before.tensors,
        heap: after.heap - before.heap,
        rss: after.rss - before.rss,
      };
      const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
      console.log(
        `soak: ${what}: ${grown.tensors} tensors more, ${memories.size} memories of WebAssembly ${megabytes(after.heap)} (${megabytes(grown.heap)} more), ` +
          `process ${megabytes(after.rss)} (${megabytes(grown.rss)} more)`,
      );
      const flat = grown.tensors === 0 && grown.heap === 0 && grown.rss < GROWTH && after.heap > 0;
      return flat ? 'flat' : JSON.stringify(grown);
    },
    ended: () => ended,
  };
}
