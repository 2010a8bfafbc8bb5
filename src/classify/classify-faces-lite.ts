import type { Emotion } from '../emotions.js';
import { blazeFaceDetector } from '../faces/blaze-face.js';
import type { FaceDetector } from '../faces/types.js';
import type { ImageInput } from '../image/input.js';
import { classify } from './classify-lite.js';
import { type ClassifyFacesOptions, type DetectedFace, facesOn } from './faces-on.js';

/**
 * Finds the faces on a picture and says what each shows.
 *
 * @returns One entry a face, the biggest first; none is an empty list. Boxes are in pixels of the picture.
 * @throws FerError as `classify`, and as the detector does; `DETECTOR_UNAVAILABLE` for anything else that a detector
 * throws; `SHAPE`, `NOT_FINITE` for a detector whose answers are not faces; `OPTION`.
 * @example
 * for (const { box, predictions } of await classifyFaces('party.jpg')) console.log(box, predictions[0].className);
 * @example
 * const [nearest] = await classifyFaces(video, { maxFaces: 1 });
 */
export function classifyFaces<C extends string = Emotion>(
  input: ImageInput,
  options: ClassifyFacesOptions<C> = {},
): Promise<DetectedFace<C>[]> {
  return facesOn(input, options, { detector: sharedDetector, classify });
}

/** The detector of all calls that bring none. */
export function sharedDetector(): FaceDetector {
  shared ??= blazeFaceDetector();
  return shared;
}

let shared: FaceDetector | undefined;
