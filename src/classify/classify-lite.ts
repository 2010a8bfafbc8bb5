import type { ImageInput } from '../image/input.js';
import type { Classifier, ClassifyOptions } from './classifier.js';
import { createClassifier } from './create-classifier-lite.js';
import type { PredictionsFor } from './prediction.js';

/**
 * Says what a face shows, with the pretrained weights. They are loaded at the first call, once. The input should be a
 * crop of one face, framed from forehead to chin; `box` names it in a larger picture.
 *
 * @returns The five emotions, most probable first; for an array of faces, one such list a face.
 * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `CHANNELS`, `SHAPE`, `NOT_FINITE` for images; `OPTION`;
 * `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`, `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE` for what is loaded.
 * @example
 * import { classify } from 'fer-dcnn/lite';
 * console.log(await classify('face.jpg')); // [{ className: 'happy', probability: 0.98 }, ...]
 */
export async function classify<const Input extends ImageInput | readonly ImageInput[]>(
  input: Input,
  options?: ClassifyOptions,
): Promise<PredictionsFor<Input>> {
  shared ??= createClassifier();
  return shared.classify(input, options);
}

let shared: Classifier | undefined;
