import { violations } from './violations.js';

/**
 * What the tests do in a tab or a worker, however the library was loaded.
 *
 * @param fer - The exports of `fer-dcnn`.
 * @param weights - Those of `fer-dcnn/weights`.
 * @param tf - Those of `@tensorflow/tfjs-core`.
 */
export function checksOf(fer, weights, tf) {
  return {
    async classify(file, backend) {
      await fer.useBackend(backend);
      const lists = {};
      for (const [kind, input] of Object.entries(await inputsOf(`/${file}`, tf))) {
        lists[kind] = probabilitiesOf(await fer.classify(input));
      }
      return { lists, used: tf.getBackend() };
    },

    async classifyWithoutSetup(file) {
      const response = await fetch(`/${file}`);
      return {
        list: probabilitiesOf(await fer.classify(await response.blob())),
        used: tf.engine().backendName ?? 'none',
      };
    },

    async train() {
      await fer.useBackend('wasm');
      const model = fer.buildModel({ seed: 1 });
      const levels = Array.from({ length: 20 }, (_, i) => tf.fill([1, 32, 32, 1], (i % 5) / 4));
      const xs = tf.concat(levels);
      const ys = tf.tensor1d(
        levels.map((_, i) => i % 5),
        'int32',
      );
      const { history } = await fer.train(model, { xs, ys }, { epochs: 4, batchSize: 10, seed: 1 });
      return history.loss;
    },

    async kernels() {
      return (await fer.registerTrainingKernels()).path;
    },

    /** The code of what each limit refuses, of a picture that takes all of them at their bounds. */
    async limits(file) {
      const bytes = new Uint8Array(await (await fetch(`/${file}`)).arrayBuffer());
      const codeOf = (input, limits) =>
        fer.classify(input, limits).then(
          () => 'taken',
          ({ code }) => code,
        );
      return {
        bytes: [
          await codeOf(bytes, { maxBytes: bytes.length }),
          await codeOf(new Blob([bytes]), { maxBytes: bytes.length - 1 }),
        ],
        frames: [await codeOf(animation(3), { maxFrames: 3 }), await codeOf(animation(3), { maxFrames: 2 })],
        time: [
          await codeOf(bytes, { maxMilliseconds: 60_000 }),
          await codeOf(await largePicture(), { maxMilliseconds: 1 }),
        ],
      };
    },

    violations: () => violations,

    async failure(what, ...args) {
      try {
        await (what === 'weights' ? weights.loadPretrained(...args) : fer[what](...args));
        return null;
      } catch (error) {
        return error instanceof fer.FerError ? error.code : `${error}`;
      }
    },
  };

  function probabilitiesOf(list) {
    return fer.EMOTIONS.map((name) => list.find(({ className }) => className === name).probability);
  }
}

/** A GIF of 1x1 and so many frames. */
function animation(frames) {
  const header = [...new TextEncoder().encode('GIF89a'), 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4c, 1, 0];
  return new Uint8Array([...header, ...Array.from({ length: frames }, () => frame).flat(), 0x3b]);
}

/** One that takes longer than a millisecond to decode. */
async function largePicture() {
  const canvas = new OffscreenCanvas(3000, 3000);
  canvas.getContext('2d').fillRect(100, 100, 900, 900);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** The same picture in every form that this place (a tab or a worker) knows. */
async function inputsOf(file, tf) {
  const blob = await (await fetch(file)).blob();
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext('2d').drawImage(bitmap, 0, 0);
  const imageData = offscreen.getContext('2d').getImageData(0, 0, width, height);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(imageData.data.subarray(4 * i, 4 * i + 3), 3 * i);

  const inputs = {
    Blob: blob,
    bytes: new Uint8Array(await blob.arrayBuffer()),
    ImageBitmap: bitmap,
    OffscreenCanvas: offscreen,
    ImageData: imageData,
    PixelImage: { data: rgb, width, height, channels: 3 },
    Tensor3D: tf.tensor3d(Array.from(rgb), [height, width, 3]),
  };
  if (typeof document === 'undefined') return inputs;

  const img = new Image();
  img.src = file;
  await img.decode();
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').drawImage(img, 0, 0);
  return { ...inputs, img, canvas };
}

/** Answers `{ id, name, args }` messages by calling the check of that name. */
export function answerMessages(checks) {
  addEventListener('message', async ({ data: { id, name, args } }) => {
    try {
      postMessage({ id, result: await checks[name](...args) });
    } catch (error) {
      postMessage({ id, error: `${error?.stack ?? error}` });
    }
  });
}

/** Gives `window.checks` and `window.inWorker(name, ...args)` to the tests. */
export function offer(checks, worker) {
  const waiting = new Map();
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(`worker: ${event.message}`));
  };
  window.checks = checks;
  window.inWorker = (name, ...args) =>
    new Promise((resolve, reject) => {
      const id = waiting.size;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, name, args });
    });
}
