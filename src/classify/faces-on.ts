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
   * The face detector; the caller disposes it.
   * @default BlazeFace, shared by all calls: `blazeFaceDetector()`
   */
  detector?: FaceDetector;
  /**
   * The classifier of the faces, such as one of `createClassifier`; the caller disposes it.
   * @default the pretrained weights, as in `classify`
   */
  classifier?: {
    classify(image: PixelImage, options?: ClassifyOptions<C>): Promise<Predictions<C>>;
    readonly classes?: readonly C[] | undefined;
    /** Called first if it exists, so that the classifier is loaded while faces are searched. */
    load?(): Promise<void>;
  };
  /**
   * Minimum score of a face, in [0, 1].
   * @default the detector's own minimum
   */
  minScore?: number;
  /**
   * Maximum number of faces, largest first.
   * @default all
   */
  maxFaces?: number;
  /**
   * What to do without a face: 'none' returns an empty list, 'whole' classifies the whole image, with score 0.
   * @default 'none'
   */
  fallback?: 'none' | 'whole';
  /**
   * Numbers that are added to the logits of classes: a positive number makes a class more likely.
   * @default the offsets of the classifier, or else none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
  /**
   * Number of classes to return.
   * @default all: five with the pretrained weights
   */
  topk?: number;
}

/** A found face and its classes. */
export interface DetectedFace<C extends string = Emotion> extends Detection {
  /** The classes, most probable first. */
  predictions: Predictions<C>;
  /** The square that was classified: the box with the framing of the network's training, rotated with the face. */
  crop: Crop;
}

/** The default detector and classifier of an entry. */
export interface FacesDefaults {
  detector(): FaceDetector;
  classifier(): Classifier;
}

/** Finds and classifies faces: the implementation of `classifyFaces` in every entry. */
export async function facesOn<C extends string = Emotion>(
  input: ImageInput,
  options: ClassifyFacesOptions<C>,
  defaults: FacesDefaults,
): Promise<DetectedFace<C>[]> {
  checkOptions(options as ClassifyFacesOptions<string>);
  const { detector = defaults.detector(), fallback = 'none', topk, offsets } = options;
  // Without the caller's own classifier, C is `Emotion`.
  const classifier = options.classifier ?? (defaults.classifier() as unknown as Classifier<C>);
  const { minScore = 0, maxFaces = Number.POSITIVE_INFINITY } = options;

  // A failure is reported when there is a face to classify.
  Promise.resolve(classifier.load?.()).catch(() => {});
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

/** Rules for the options of finding and classifying faces, also for other functions. */
export const facesRules = (): Rules<Omit<ClassifyFacesOptions<string>, 'topk' | 'frame'>> => ({
  detector: having('an object with a method detect(image), see FaceDetector', 'detect'),
  classifier: having('an object with a method classify(), as from createClassifier', 'classify'),
  minScore: number('in [0, 1]', (value) => value >= 0 && value <= 1),
  maxFaces: number('a number of at least 1', (value) => value >= 1),
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

/** The crop, or the box if the crop is outside the image, for a face that has almost left it. */
function cropOn({ width, height }: PixelImage, detection: Detection, framing?: Framing): Crop {
  const crop = cropOf(detection, framing);
  const meets = crop.x < width && crop.y < height && crop.x + crop.width > 0 && crop.y + crop.height > 0;
  // A rotated crop covers up to sqrt(2) times its width; `resample` accepts up to 8 times the image.
  return meets && crop.width < 5 * width && crop.height < 5 * height ? crop : { ...detection.box, angle: 0 };
}

/** Pixels for a detector: pixels of a tensor are rounded. */
async function pixelsOf(input: ImageInput, options: ToPixelsOptions): Promise<PixelImage> {
  const { data, ...size } = await toPixels(input, options);
  return { ...size, data: data instanceof Float32Array ? new Uint8ClampedArray(data) : data };
}
