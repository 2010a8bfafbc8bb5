import type { Emotion } from '../emotions.js';
import { cropOf } from '../faces/crop-of.js';
import { findFaces } from '../faces/find-faces.js';
import type { Detection, FaceDetector, Framing } from '../faces/types.js';
import type { ImageInput } from '../image/input.js';
import type { Crop } from '../image/straighten.js';
import { frameRule, type ToPixelsOptions, toPixels } from '../image/to-pixels.js';
import { having, number, oneOf, optionsOf, type Rules } from '../options.js';
import { limitRules } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import { type ClassOffsets, offsetsRule } from './class-offsets.js';
import { type Classifier, type ClassifyOptions, topkRule } from './classifier.js';
import type { Predictions } from './prediction.js';

export interface ClassifyFacesOptions<C extends string = Emotion> extends ToPixelsOptions {
  /**
   * What finds the faces; it stays the caller's to dispose.
   * @default BlazeFace, shared by all calls: `blazeFaceDetector()`
   */
  detector?: FaceDetector;
  /**
   * What says what they show, such as one of `createClassifier`; it stays the caller's to dispose.
   * @default the pretrained weights, as `classify`
   */
  classifier?: {
    classify(image: PixelImage, options?: ClassifyOptions<C>): Promise<Predictions<C>>;
    readonly classes?: readonly C[] | undefined;
  };
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
   * Added to the logits of classes: which classes are named more readily, and which less.
   * @default those of the classifier, else none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
  /**
   * How many of the classes are given.
   * @default all: five with the pretrained weights
   */
  topk?: number;
}

/** A face that was found, and what it shows. */
export interface DetectedFace<C extends string = Emotion> extends Detection {
  /** The classes, most probable first. */
  predictions: Predictions<C>;
  /** The square that was classified: the box, framed as the network wants it and turned as the face leans. */
  crop: Crop;
}

/** What stands in for options that are left out: an entry's own. */
export interface FacesDefaults {
  detector(): FaceDetector;
  classify: Classifier['classify'];
}

/** Finds and classifies faces: what `classifyFaces` is in every entry. */
export async function facesOn<C extends string = Emotion>(
  input: ImageInput,
  options: ClassifyFacesOptions<C>,
  defaults: FacesDefaults,
): Promise<DetectedFace<C>[]> {
  checkOptions(options as ClassifyFacesOptions<string>);
  const { detector = defaults.detector(), fallback = 'none', topk, offsets } = options;
  // Without a classifier of the caller's own, C is `Emotion`.
  const classifier = options.classifier ?? (defaults as unknown as Classifier<C>);
  const { minScore = 0, maxFaces = Number.POSITIVE_INFINITY } = options;

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

  const faces: DetectedFace<C>[] = [];
  for (const face of found) {
    faces.push({ ...face, predictions: await classifier.classify(image, { box: face.crop, topk, offsets }) });
  }
  return faces;
}

/** The rules of finding and classifying faces, for other functions that do. */
export const facesRules = (): Rules<Omit<ClassifyFacesOptions<string>, 'topk' | 'frame'>> => ({
  detector: having('an object with a method detect(image), see FaceDetector', 'detect'),
  classifier: having('an object with a method classify(), such as of createClassifier', 'classify'),
  minScore: number('in [0, 1]', (value) => value >= 0 && value <= 1),
  maxFaces: number('a number from 1 up', (value) => value >= 1),
  fallback: oneOf('none', 'whole'),
  offsets: offsetsRule,
  ...limitRules,
});

const checkOptions = optionsOf<ClassifyFacesOptions<string>>('classifyFaces', () => ({
  ...facesRules(),
  topk: topkRule,
  frame: frameRule,
}));

function areaOf({ box }: Detection): number {
  return box.width * box.height;
}

/** The crop, or the box where the crop lies outside the image: of a face that has almost left it. */
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
