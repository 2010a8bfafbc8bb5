import { workerData } from 'node:worker_threads';
import { FerError, type FerErrorCode, reasonOf } from '../errors.js';
import type { Box } from '../image/box.js';
import type { Normalization } from '../image/normalize.js';
import type { Raster } from '../image/pixels.js';
import { pixelsToInput } from '../image/pixels-to-input.js';
import { toPixels } from '../image/to-pixels.js';
import { type Network, startNetwork } from '../network/network.js';
import type { DecodeLimits } from '../platform/image-limits.js';
import type { PoolImage } from './pool-item.js';

/** What a worker is started with. */
export interface PoolWorkerStart {
  module: WebAssembly.Module | null;
  weights: Float32Array[];
  normalization: Normalization;
}

/** Some images that a worker is to classify. */
export interface PoolTask {
  images: { image: PoolImage; box?: Box }[];
  limits: DecodeLimits;
}

/** What became of them: numbers alone, which cost the thread that asks the least. */
export interface PoolAnswer {
  /** Of the images that could be read, in their order, [n, 5]. */
  probabilities: Float32Array;
  /** The other images. */
  failures: { index: number; code: FerErrorCode; message: string }[];
}

/** Runs in a thread of the pool: decodes images in their order, then classifies those that could be read. */
export default async function classifyTask({ images, limits }: PoolTask): Promise<PoolAnswer> {
  const { module, weights, normalization } = workerData as PoolWorkerStart;
  starting ??= startNetwork(module).then((network) => {
    network.setWeights(weights);
    return network;
  });
  const network = await starting;

  const rows = new Float32Array(images.length * INPUT_SIZE);
  const failures: PoolAnswer['failures'] = [];
  let count = 0;
  const coming: Promise<Raster>[] = [];
  for (const [i, { box }] of images.entries()) {
    for (const { image } of images.slice(i + coming.length, i + AHEAD)) coming.push(silenced(toPixels(image, limits)));
    try {
      const out = rows.subarray(INPUT_SIZE * count, INPUT_SIZE * (count + 1));
      pixelsToInput(await coming.shift()!, { normalization, box, out });
      count++;
    } catch (error) {
      const { code, message } = error instanceof FerError ? error : new FerError('INPUT', reasonOf(error));
      failures.push({ index: i, code, message });
    }
  }
  return { probabilities: await network.predict(rows, count), failures };
}

const INPUT_SIZE = 32 * 32;

/**
 * Images that are decoded at a time. Other than small JPEGs are decoded in threads of libuv's, and each wait for another thread
 * costs as much as a small image: with several under way there is less of it. Each may be as large as its limits allow: not more than needed.
 */
const AHEAD = 4;

let starting: Promise<Network> | undefined;

/** The same promise; its failure is told when it is waited for, not before. */
function silenced<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
