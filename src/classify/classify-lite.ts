import type { ImageInput } from '../image/input.js';
import type { Classifier, ClassifyOptions } from './classifier.js';
import { createClassifier } from './create-classifier-lite.js';
import type { PredictionsFor } from './prediction.js';

/**
 * Classifies the emotion of a face with the pretrained weights, which are loaded once, at the first call. The input should be a
 * crop of one face, framed from forehead to chin; in a larger picture, pass its `box`.
 *
 * @returns The five emotions, most probable first; for an array of faces, one such list per face.
 * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `CHANNELS`, `SHAPE`, `NOT_FINITE` for images; `OPTION`;
 * `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`, `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE` for the files that it loads.
 * @example
 * import { classify } from 'fer-dcnn/lite';
 * console.log(await classify('face.jpg')); // [{ className: 'happy', probability: 0.98 }, ...]
 */
export async function classify<const Input extends ImageInput | readonly ImageInput[]>(
  input: Input,
  options?: ClassifyOptions,
): Promise<PredictionsFor<Input>> {
  return sharedClassifier().classify(input, options);
}

/** The classifier of all calls without one. */
export function sharedClassifier(): Classifier {
  shared ??= createClassifier();
  return shared;
}

let shared: Classifier | undefined;
