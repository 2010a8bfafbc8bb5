import { checkClassNames } from '../class-names.js';
import type { ClassifyFacesOptions, DetectedFace } from '../classify/faces-on.js';
import { facesRules } from '../classify/faces-on.js';
import type { Emotion } from '../emotions.js';
import type { FaceDetector } from '../faces/types.js';
import type { ImageInput } from '../image/input.js';
import { callback, number, optionsOf } from '../options.js';
import { faceFollower } from './face-follower.js';
import { frameTracker } from './frame-tracker.js';
import type { SeenFace, Tracker } from './types.js';

/** Options of a tracker. The options for finding faces (`detector`, `classifier`, `minScore`, `maxFaces`, …) are as for `classifyFaces`. */
export interface CreateTrackerOptions<C extends string = Emotion>
  extends Omit<ClassifyFacesOptions<C>, 'topk' | 'frame'> {
  /**
   * Names of the classes that faces may have, in the order of `probabilities`.
   * @default the classes of the classifier, or else `EMOTIONS`
   */
  classes?: readonly C[];
  /**
   * Finds and classifies the faces in a picture, instead of `classifyFaces`: for example in your own worker.
   * @default classifyFaces with these options
   */
  classify?: (frame: ImageInput) => Promise<readonly SeenFace<C>[]>;
  /**
   * Interval between searches of the whole picture, ms. On the pictures between, each face is followed in a crop around its
   * last position, which is faster; if a face is not there, the whole picture is searched immediately. 0 searches every
   * picture. Your own detector is used in this way if it has `detectIn`.
   * @default 200
   */
  detectEvery?: number;
  /**
   * Time constant of the smoothing of probabilities, ms: after a change, 63% of it is visible. 0 turns smoothing off.
   * @default 300
   */
  smoothing?: number;
  /**
   * Margin by which another emotion's smoothed probability must exceed the current one's to be ahead, in [0, 1].
   * @default 0.1
   */
  hysteresis?: number;
  /**
   * Time that another emotion must be ahead without a break before it takes over, ms. No episode is shorter.
   * @default 500
   */
  minDuration?: number;
  /**
   * Minimum visible time before `found` fires, ms: false detections usually last a single frame. 0 fires immediately.
   * @default 200
   */
  foundAfter?: number;
  /**
   * Time that a face may be missing before it is lost, ms.
   * @default 1000
   */
  lostAfter?: number;
  /**
   * Time after its last sight in which a face that returns at the same place keeps its id, ms.
   * @default 5000
   */
  forgetAfter?: number;
  /**
   * Minimum intersection over union of two boxes of the same face, in (0, 1].
   * @default 0.3
   */
  minOverlap?: number;
}

/** The default functions of an entry. */
export interface TrackerDefaults {
  classifyFaces<C extends string>(frame: ImageInput, options: ClassifyFacesOptions<C>): Promise<DetectedFace<C>[]>;
  sharedDetector(): FaceDetector;
}

/** Makes a tracker: the implementation of `createTracker` in every entry. */
export function trackerOf<C extends string = Emotion>(
  options: CreateTrackerOptions<C>,
  { classifyFaces, sharedDetector }: TrackerDefaults,
): Tracker<C> {
  checkOptions(options as CreateTrackerOptions<string>);
  const { smoothing = 300, hysteresis = 0.1, minDuration = 500, minOverlap = 0.3 } = options;
  const { foundAfter = 200, lostAfter = 1000, forgetAfter = 5000, detectEvery = 200 } = options;
  const { detector, classifier, classes, minScore, maxFaces, fallback, offsets } = options;
  const { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds } = options;
  const limits = { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
  const finding = { classifier, minScore, maxFaces, fallback, offsets, ...limits };
  const follower = faceFollower(() => detector ?? sharedDetector(), detectEvery);
  const {
    classify = (frame: ImageInput, time: number) =>
      classifyFaces(frame, { ...finding, detector: follower.detectorAt(time) }),
  } = options;

  return frameTracker({
    ...{ smoothing, hysteresis, minDuration, foundAfter, lostAfter, forgetAfter, minOverlap, classify },
    classesNow: () => classes ?? classifier?.classes,
  }) as unknown as Tracker<C>;
}

const milliseconds = number('0 ms or more', (value) => value >= 0 && Number.isFinite(value));

const checkOptions = optionsOf<CreateTrackerOptions<string>>('createTracker', () => ({
  ...facesRules(),
  classes: checkClassNames,
  classify: callback,
  smoothing: milliseconds,
  hysteresis: number('in [0, 1]', (value) => value >= 0 && value <= 1),
  minDuration: milliseconds,
  foundAfter: milliseconds,
  lostAfter: milliseconds,
  forgetAfter: milliseconds,
  detectEvery: milliseconds,
  minOverlap: number('above 0 and at most 1', (value) => value > 0 && value <= 1),
}));
