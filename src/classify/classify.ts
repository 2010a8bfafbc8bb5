import type { ImageInput } from '../image/input.js';
import type { Classifier, ClassifyOptions } from './classifier.js';
import { createClassifier } from './create-classifier.js';
import type { PredictionsFor } from './prediction.js';
import { type ChosenBackend, chosenBackend } from './use-backend.js';

/**
 * Says what a face shows, with the pretrained weights, on the backend chosen by
 * `useBackend`, else on `simd`. The weights are loaded at the first call,
 * once. The input should be a crop of one face, framed from forehead to chin; `box` names it in a larger picture.
 *
 * @returns The five emotions, most probable first; for an array of faces, one such list a face.
 * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `CHANNELS`, `SHAPE`, `NOT_FINITE` for images;
 * `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT` for the weights; `OPTION`.
 * @example
 * import { classify } from 'fer-dcnn';
 * console.log(await classify('face.jpg')); // [{ className: 'happy', probability: 0.98 }, ...]
 * @example
 * const [first, second] = await classify([canvas, video]);
 * @example
 * await classify('face.jpg', { offsets: { angry: -0.2, sad: -0.1 } }); // names these two less readily
 */
export async function classify<const Input extends ImageInput | readonly ImageInput[]>(
  input: Input,
  options?: ClassifyOptions,
): Promise<PredictionsFor<Input>> {
  return sharedClassifier().classify(input, options);
}

/** By what `useBackend` chose. Calls under way keep theirs. */
const shared = new Map<ChosenBackend | undefined, Classifier>();

function sharedClassifier(): Classifier {
  const chosen = chosenBackend();
  let classifier = shared.get(chosen);
  if (classifier === undefined) {
    classifier = createClassifier({ backend: chosen?.name, assets: chosen?.options.assets });
    shared.set(chosen, classifier);
  }
  return classifier;
}
