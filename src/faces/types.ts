import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';

/**
 * A face detector. `blazeFaceDetector`, `faceApiDetector` and `nativeDetector` make one; your own object with a `detect`
 * method also is one.
 *
 * @example
 * const mine: FaceDetector = {
 *   async detect(image) {
 *     return [{ box: { x: 10, y: 20, width: 100, height: 100 }, score: 1 }];
 *   },
 * };
 */
export interface FaceDetector {
  /** Its name in messages. */
  readonly name?: string;
  /** How its boxes cover a face. @default the boxes are used as crops */
  readonly framing?: Framing;
  /** Finds the faces in an image, in any order; returns an empty list without faces. */
  detect(image: PixelImage): Promise<Detection[]>;
  /**
   * Finds the faces in a part of an image, in pixels of the image: around the last position of a face, which is faster
   * than the whole image. `createTracker` uses it if it exists, see `detectEvery`.
   */
  detectIn?(image: PixelImage, part: Box): Promise<Detection[]>;
  /** Frees its memory. */
  dispose?(): void;
}

/** A detector of this package. */
export type BuiltInDetector = Required<Omit<FaceDetector, 'detectIn'>> & Pick<FaceDetector, 'detectIn'>;

/** A found face. Lengths are in pixels of the source image, from its top left corner; parts may be outside. */
export interface Detection {
  box: Box;
  /** Confidence of the detector, in [0, 1]. */
  score: number;
  /** Points of the face. Those named `leftEye` and `rightEye` (the person's own left and right) give the roll of the face. */
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
 * s = sqrt(width * height) of the box, the square's side is `scale` * s, and its centre is `right` * s and `down` * s from the
 * centre of the box, in the directions of an upright face.
 */
export interface Framing {
  scale: number;
  right: number;
  down: number;
}
