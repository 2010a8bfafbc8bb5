import { workerData } from 'node:worker_threads';
import type { ClassOffsets } from '../classify/class-offsets.js';
import { type Classifier, classifierOf } from '../classify/classifier.js';
import { type DetectedFace, facesOn } from '../classify/faces-on.js';
import { FerError, type FerErrorCode, reasonOf } from '../errors.js';
import { type BlazeFaceFiles, blazeFaceOf } from '../faces/blaze-face.js';
import type { FaceDetector } from '../faces/types.js';
import type { Box } from '../image/box.js';
import type { Normalization } from '../image/normalize.js';
import type { Raster } from '../image/pixels.js';
import { pixelsToInput } from '../image/pixels-to-input.js';
import { toPixels } from '../image/to-pixels.js';
import { inOrder } from '../in-order.js';
import { fallbacks } from '../network/fallbacks.js';
import { type Network, startNetwork } from '../network/network.js';
import { floatsOf, type Weight } from '../network/weight.js';
import type { DecodeLimits } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import type { PoolFacesOptions, PoolImage } from './pool-item.js';

/** Settings of a worker. */
export interface PoolWorkerStart {
  module: WebAssembly.Module | null;
  weights: Weight[];
  normalization: Normalization;
  /** For a pool that finds faces. */
  faces?: PoolFacesOptions & {
    files: BlazeFaceFiles;
    classes: readonly string[];
    offsets?: ClassOffsets<string>;
  };
}

/** Images for a worker to classify. */
export interface PoolTask {
  images: { image: PoolImage; box?: Box }[];
  limits: DecodeLimits;
}

/** The answer: mostly numbers, which are cheapest for the calling thread. */
export interface PoolAnswer {
  /** Of the images that could be read, in their order, [n, classes]; empty for a pool that finds faces. */
  probabilities: Float32Array;
  /** Faces on each of the images that could be read, in their order; for a pool that finds faces. */
  faces?: DetectedFace<string>[][];
  /** The other images. */
  failures: { index: number; code: FerErrorCode; message: string }[];
}

/** Runs in a thread of the pool: decodes images in their order, then classifies those that could be read. */
export default async function classifyTask(task: PoolTask): Promise<PoolAnswer> {
  const start = workerData as PoolWorkerStart;
  starting ??= startNetwork(start.module, fallbacks).then((network) => {
    // Codes where faces come one at a time, so that they have the same probabilities as with `classifyFaces`.
    network.setWeights(start.faces ? start.weights : start.weights.map(floatsOf));
    return network;
  });
  const network = await starting;
  return start.faces === undefined
    ? classifyImages(task, network, start)
    : findAndClassify(task, network, { ...start, faces: start.faces });
}

async function classifyImages(
  task: PoolTask,
  network: Network,
  { normalization }: PoolWorkerStart,
): Promise<PoolAnswer> {
  const rows = new Float32Array(task.images.length * INPUT_SIZE);
  let count = 0;
  const failures = await eachImage(task, (image, box) => {
    const out = rows.subarray(INPUT_SIZE * count, INPUT_SIZE * (count + 1));
    pixelsToInput(image, { normalization, box, out });
    count++;
  });
  return { probabilities: await network.predict(rows, count), failures };
}

async function findAndClassify(
  task: PoolTask,
  network: Network,
  { normalization, faces: { files, classes, offsets, inputSize, minScore, maxFaces } }: Required<PoolWorkerStart>,
): Promise<PoolAnswer> {
  detector ??= blazeFaceOf(async () => files, { inputSize, minScore });
  const load = async () => ({
    ...{ predictor: network, size: 32, channels: 1 as const },
    ...{ classes, named: true, normalization },
  });
  classifier ??= classifierOf<string>(load, { offsets });
  const tools = { detector, classifier, maxFaces };
  const faces: DetectedFace<string>[][] = [];
  const failures = await eachImage(task, async (image, box) => {
    if (box !== undefined) {
      throw new FerError('OPTION', 'a pool that finds faces needs whole images: leave out box');
    }
    // The image was decoded within the limits of the call.
    faces.push(await facesOn(image as PixelImage, { ...tools, maxPixels: task.limits.maxPixels }, NO_DEFAULTS));
  });
  return { probabilities: new Float32Array(0), faces, failures };
}

/** Runs a function on each image, in order. @returns The images that cannot be read or used. */
async function eachImage(
  { images, limits }: PoolTask,
  work: (image: Raster, box: Box | undefined) => void | Promise<void>,
): Promise<PoolAnswer['failures']> {
  const failures: PoolAnswer['failures'] = [];
  const read = (index: number) => toPixels(images[index].image, limits);
  for await (const { item: index, result: image, error: unread } of inOrder(images.keys(), read, AHEAD)) {
    try {
      if (image === undefined) throw unread;
      await work(image, images[index].box);
    } catch (error) {
      const { code, message } = error instanceof FerError ? error : new FerError('INPUT', reasonOf(error));
      failures.push({ index, code, message });
    }
  }
  return failures;
}

const INPUT_SIZE = 32 * 32;

/**
 * Images that are decoded at a time. All but small JPEGs are decoded in threads of libuv, and each wait for another thread
 * costs as much as a small image: with several at a time there are fewer waits. Each may be as large as its limits allow, so
 * their number is small.
 */
const AHEAD = 4;

let starting: Promise<Network> | undefined;
let detector: FaceDetector | undefined;
let classifier: Classifier<string> | undefined;

/** Detector and classifier are always given. */
const NO_DEFAULTS = {
  detector: () => detector!,
  classifier: (): never => {
    throw new Error('no classifier');
  },
};
