import type { ImageInput } from '../image/input.js';
import type { Classifier, ClassifyOptions } from './classifier.js';
import { createClassifier } from './create-classifier.js';
import type { PredictionsFor } from './prediction.js';
import { type ChosenBackend, chosenBackend } from './use-backend.js';

/**
 * Classifies the emotion of a face with the pretrained weights, on the backend chosen by
 * `useBackend`, or else on `simd`. The weights are loaded once, at the
 * first call. The input should be a crop of one face, framed from forehead to chin; in a larger picture, pass its `box`.
 *
 * @returns The five emotions, most probable first; for an array of faces, one such list per face.
 * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `CHANNELS`, `SHAPE`, `NOT_FINITE` for images;
 * `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT` for the weights; `OPTION`.
 * @example
 * import { classify } from 'fer-dcnn';
 * console.log(await classify('face.jpg')); // [{ className: 'happy', probability: 0.98 }, ...]
 * @example
 * const [first, second] = await classify([canvas, video]);
 * @example
 * await classify('face.jpg', { offsets: { angry: -0.2, sad: -0.1 } }); // makes these two less likely
 */
export async function classify<const Input extends ImageInput | readonly ImageInput[]>(
  input: Input,
  options?: ClassifyOptions,
): Promise<PredictionsFor<Input>> {
  return sharedClassifier().classify(input, options);
}

/** The classifier of all calls without one. */
export function sharedClassifier(): Classifier {
  const chosen = chosenBackend();
  let classifier = shared.get(chosen);
  if (classifier === undefined) {
    classifier = createClassifier({ backend: chosen?.name, assets: chosen?.options.assets });
    shared.set(chosen, classifier);
  }
  return classifier;
}

/** Cached by the choice of `useBackend`. Running calls keep theirs. */
const shared = new Map<ChosenBackend | undefined, Classifier>();
