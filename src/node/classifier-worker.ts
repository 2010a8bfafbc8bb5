import { workerData } from 'node:worker_threads';
import type { Prediction } from '../classify/classifier.js';
import { predictionsOf } from '../classify/predictions-of.js';
import { FerError, type FerErrorCode, reasonOf } from '../errors.js';
import type { DecodeLimits } from '../image/image-limits.js';
import type { Normalization } from '../image/normalize.js';
import type { Raster } from '../image/pixels.js';
import { pixelsToInput } from '../image/pixels-to-input.js';
import type { Box } from '../image/resample.js';
import { toPixels } from '../image/to-pixels.js';
import { type Network, startNetwork } from '../lite/network.js';
import type { PoolImage } from './classifier-pool.js';

/** What a worker is started with. */
export interface PoolWorkerStart {
  module: WebAssembly.Module;
  weights: Float32Array[];
  normalization: Normalization;
}

/** Some images that a worker is to classify. */
export interface PoolTask {
  images: { image: PoolImage; box?: Box }[];
  topk: number;
  limits: DecodeLimits;
}

/** What became of one of them. */
export type PoolAnswer = { predictions: Prediction[] } | { code: FerErrorCode; message: string };

/** Runs in a thread of the pool: decodes images in their order, then classifies those that could be read. */
export default async function classifyTask({ images, topk, limits }: PoolTask): Promise<PoolAnswer[]> {
  const { module, weights, normalization } = workerData as PoolWorkerStart;
  starting ??= startNetwork(module).then((network) => {
    network.setWeights(weights);
    return network;
  });
  const network = await starting;

  const rows = new Float32Array(images.length * INPUT_SIZE);
  const errors: (FerError | undefined)[] = [];
  let count = 0;
  const coming: Promise<Raster>[] = [];
  for (const [i, { box }] of images.entries()) {
    for (const { image } of images.slice(i + coming.length, i + AHEAD)) coming.push(silenced(toPixels(image, limits)));
    try {
      const input = pixelsToInput(await coming.shift()!, { normalization, box });
      rows.set(input, INPUT_SIZE * count++);
      errors.push(undefined);
    } catch (error) {
      errors.push(error instanceof FerError ? error : new FerError('INPUT', reasonOf(error), { cause: error }));
    }
  }
  const probabilities = await network.predict(rows, count);
  let row = 0;
  return errors.map((error) =>
    error === undefined
      ? { predictions: predictionsOf(probabilities, row++, topk) }
      : { code: error.code, message: error.message },
  );
}

// --- below this line: helpers of this file alone ---

const INPUT_SIZE = 32 * 32;

/**
 * Images that are decoded at a time. Decoding goes on in threads of libuv's, and each wait for another thread costs as much as
 * a small image: with several under way there is less of it. Each may be as large as its limits allow: not more than needed.
 */
const AHEAD = 4;

let starting: Promise<Network> | undefined;

/** The same promise; its failure is told when it is waited for, not before. */
function silenced<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
