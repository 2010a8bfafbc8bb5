import type { Emotion } from '../emotions.js';
import { blazeFaceDetector } from '../faces/blaze-face.js';
import type { FaceDetector } from '../faces/types.js';
import type { ImageInput } from '../image/input.js';
import type { Assets } from '../platform/assets.js';
import { sharedClassifier } from './classify.js';
import { type ClassifyFacesOptions, type DetectedFace, facesOn } from './faces-on.js';
import { chosenBackend } from './use-backend.js';

/**
 * Finds the faces in a picture and classifies each.
 *
 * @returns One entry per face, the largest first; an empty list without faces. Boxes are in pixels of the picture.
 * @throws FerError as `classify`, and as the detector does; `DETECTOR_UNAVAILABLE` for anything else that a detector
 * throws; `SHAPE`, `NOT_FINITE` for invalid answers of a detector; `OPTION`.
 * @example
 * for (const { box, predictions } of await classifyFaces('party.jpg')) console.log(box, predictions[0].className);
 * @example
 * const [nearest] = await classifyFaces(video, { maxFaces: 1 });
 */
export function classifyFaces<C extends string = Emotion>(
  input: ImageInput,
  options: ClassifyFacesOptions<C> = {},
): Promise<DetectedFace<C>[]> {
  return facesOn(input, options, { detector: sharedDetector, classifier: sharedClassifier });
}

/** The detector of all calls without one. */
export function sharedDetector(): FaceDetector {
  const assets = chosenBackend()?.options.assets;
  let detector = shared.get(assets);
  if (detector === undefined) {
    detector = blazeFaceDetector({ assets });
    shared.set(assets, detector);
  }
  return detector;
}

/** Cached by the location of their binaries. */
const shared = new Map<Assets | undefined, FaceDetector>();
