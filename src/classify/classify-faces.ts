import { FerError } from '../errors.js';
import { blazeFaceDetector } from '../faces/blaze-face.js';
import { cropOf } from '../faces/crop-of.js';
import { findFaces } from '../faces/find-faces.js';
import type { Detection, FaceDetector, Framing } from '../faces/types.js';
import type { ImageInput } from '../image/input.js';
import type { Crop } from '../image/straighten.js';
import { type ToPixelsOptions, toPixels } from '../image/to-pixels.js';
import type { Assets } from '../platform/assets.js';
import type { PixelImage } from '../runtime.js';
import type { Classifier } from './classifier.js';
import { classify } from './classify.js';
import type { Prediction } from './prediction.js';
import { chosenBackend } from './use-backend.js';

export interface ClassifyFacesOptions extends ToPixelsOptions {
  /**
   * What finds the faces; it stays the caller's to dispose.
   * @default BlazeFace, shared by all calls: `blazeFaceDetector()`
   */
  detector?: FaceDetector;
  /**
   * What says what they show, such as one of `createClassifier`; it stays the caller's to dispose.
   * @default the pretrained weights, as `classify`
   */
  classifier?: Pick<Classifier, 'classify'>;
  /**
   * Faces that the detector is less sure of are left out, in [0, 1].
   * @default the detector's own bound
   */
  minScore?: number;
  /**
   * How many faces are classified at most, the biggest ones.
   * @default all
   */
  maxFaces?: number;
  /**
   * What is done where no face is found: 'none' gives an empty list, 'whole' takes the image itself for one, with score 0.
   * @default 'none'
   */
  fallback?: 'none' | 'whole';
  /**
   * How many of the five emotions are given.
   * @default 5
   */
  topk?: number;
}

/** A face that was found, and what it shows. */
export interface DetectedFace extends Detection {
  /** The emotions, most probable first. */
  predictions: Prediction[];
  /** The square that was classified: the box, framed as the network wants it and turned as the face leans. */
  crop: Crop;
}

/**
 * Finds the faces on a picture and says what each shows.
 *
 * @returns One entry a face, the biggest first; none is an empty list. Boxes are in pixels of the picture.
 * @throws FerError as `classify`, and as the detector does; `DETECTOR_UNAVAILABLE` for anything else that a detector
 * throws; `SHAPE`, `NOT_FINITE` for a detector whose answers are none; `OPTION`.
 * @example
 * for (const { box, predictions } of await classifyFaces('party.jpg')) console.log(box, predictions[0].className);
 * @example
 * const [nearest] = await classifyFaces(video, { maxFaces: 1 });
 */
export async function classifyFaces(input: ImageInput, options: ClassifyFacesOptions = {}): Promise<DetectedFace[]> {
  const { detector = sharedDetector(), classifier = { classify }, fallback = 'none', topk } = options;
  const { minScore = 0, maxFaces = Number.POSITIVE_INFINITY } = options;
  if (!(minScore >= 0 && minScore <= 1)) throw new FerError('OPTION', `minScore must lie in [0, 1], got ${minScore}`);
  if (!(maxFaces >= 1)) throw new FerError('OPTION', `maxFaces must be a number from 1 up, got ${maxFaces}`);
  if (fallback !== 'none' && fallback !== 'whole') {
    throw new FerError('OPTION', `fallback must be 'none' or 'whole', got ${JSON.stringify(fallback)}`);
  }

  const image = await pixelsOf(input, options);
  const found = (await findFaces(detector, image))
    .filter(({ score }) => score >= minScore)
    .sort((a, b) => areaOf(b) - areaOf(a))
    .slice(0, maxFaces)
    .map((detection) => ({ ...detection, crop: cropOn(image, detection, detector.framing) }));
  if (found.length === 0 && fallback === 'whole') {
    const box = { x: 0, y: 0, width: image.width, height: image.height };
    found.push({ box, score: 0, crop: { ...box, angle: 0 } });
  }

  const faces: DetectedFace[] = [];
  for (const face of found) {
    faces.push({ ...face, predictions: await classifier.classify(image, { box: face.crop, topk }) });
  }
  return faces;
}

// --- below this line: helpers of this file alone ---

/** By the place of their binaries. */
const shared = new Map<Assets | undefined, FaceDetector>();

function sharedDetector(): FaceDetector {
  const assets = chosenBackend()?.options.assets;
  let detector = shared.get(assets);
  if (detector === undefined) {
    detector = blazeFaceDetector({ assets });
    shared.set(assets, detector);
  }
  return detector;
}

function areaOf({ box }: Detection): number {
  return box.width * box.height;
}

/** The crop, or the box where that is no part of the image: of a face that all but left it. */
function cropOn({ width, height }: PixelImage, detection: Detection, framing?: Framing): Crop {
  const crop = cropOf(detection, framing);
  const meets = crop.x < width && crop.y < height && crop.x + crop.width > 0 && crop.y + crop.height > 0;
  // A turned one covers up to sqrt(2) times its width; `resample` takes 8 times the image.
  return meets && crop.width < 5 * width && crop.height < 5 * height ? crop : { ...detection.box, angle: 0 };
}

/** Pixels as a detector takes them: those of a tensor are rounded. */
async function pixelsOf(input: ImageInput, options: ToPixelsOptions): Promise<PixelImage> {
  const { data, ...size } = await toPixels(input, options);
  return { ...size, data: data instanceof Float32Array ? Uint8ClampedArray.from(data) : data };
}
