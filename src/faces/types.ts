import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';

/**
 * Whatever finds faces. `blazeFaceDetector`, `faceApiDetector` and `nativeDetector` make one; any object of your own with
 * a `detect` is one too.
 *
 * @example
 * const mine: FaceDetector = {
 *   async detect(image) {
 *     return [{ box: { x: 10, y: 20, width: 100, height: 100 }, score: 1 }];
 *   },
 * };
 */
export interface FaceDetector {
  /** What it is called in messages. */
  readonly name?: string;
  /** Where its boxes lie on a face. @default boxes are crops already */
  readonly framing?: Framing;
  /** Finds the faces on an image, in any order; none is an empty list. */
  detect(image: PixelImage): Promise<Detection[]>;
  /**
   * Finds the faces in a part of an image, in pixels of the image: around where one was a moment ago, which is quicker than
   * all of it. What has it is used so by `createTracker`, see `detectEvery`.
   */
  detectIn?(image: PixelImage, part: Box): Promise<Detection[]>;
  /** Frees what it holds. */
  dispose?(): void;
}

/** A detector of this package. */
export type BuiltInDetector = Required<Omit<FaceDetector, 'detectIn'>> & Pick<FaceDetector, 'detectIn'>;

/** A face that was found. Lengths are in pixels of the source image, from its top left corner; parts may lie outside. */
export interface Detection {
  box: Box;
  /** How sure the detector is, in [0, 1]. */
  score: number;
  /** Points of the face. Those named `leftEye` and `rightEye` (the person's own left and right) tell how it leans. */
  keypoints?: Keypoint[];
}

/** A point of a face, in pixels of the source image. */
export interface Keypoint {
  x: number;
  y: number;
  name?: string;
}

/**
 * How a detector's box becomes the square that the network was trained on, from forehead to chin: with
 * s = sqrt(width * height) of the box, the square's side is `scale` * s and its centre lies `right` * s and `down` * s from the
 * box's, in the directions of an upright face.
 */
export interface Framing {
  scale: number;
  right: number;
  down: number;
}
