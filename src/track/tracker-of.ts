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

/** What is said of finding faces (`detector`, `classifier`, `minScore`, `maxFaces`, …) is as for `classifyFaces`. */
export interface CreateTrackerOptions<C extends string = Emotion>
  extends Omit<ClassifyFacesOptions<C>, 'topk' | 'frame'> {
  /**
   * Names of the classes that faces may have, in the order of `probabilities`.
   * @default those of the classifier, else `EMOTIONS`
   */
  classes?: readonly C[];
  /**
   * Finds and classifies the faces on a picture, instead of `classifyFaces`: in a worker of your own, for instance.
   * @default classifyFaces, with the options given here
   */
  classify?: (frame: ImageInput) => Promise<readonly SeenFace<C>[]>;
  /**
   * All of a picture is searched for faces at most this often, ms; on the pictures between, each face is followed in a crop
   * around its last place, which is quicker, and a face that has gone from there has all searched at once. 0 searches all
   * of every picture. Detectors of your own are asked so if they have `detectIn`.
   * @default 200
   */
  detectEvery?: number;
  /**
   * Time constant of the smoothing of probabilities, ms: after a change, 63% of it shows. 0 smooths nothing.
   * @default 300
   */
  smoothing?: number;
  /**
   * How far another emotion's smoothed probability must be above the present one's to count as ahead, in [0, 1].
   * @default 0.1
   */
  hysteresis?: number;
  /**
   * How long another emotion must be ahead without a break before it takes over, ms. No episode is shorter.
   * @default 500
   */
  minDuration?: number;
  /**
   * Minimum visible time before `found` fires, ms: a detector's mistake lasts for a single frame. With 0 it fires at once.
   * @default 200
   */
  foundAfter?: number;
  /**
   * How long a face may be missed before it is lost, ms.
   * @default 1000
   */
  lostAfter?: number;
  /**
   * How long after its last sight a face that comes back at the same place is the same one, ms.
   * @default 5000
   */
  forgetAfter?: number;
  /**
   * How much two boxes must overlap to be the same face, as intersection over union, in (0, 1].
   * @default 0.3
   */
  minOverlap?: number;
}

/** What stands in for options that are left out: an entry's own. */
export interface TrackerDefaults {
  classifyFaces<C extends string>(frame: ImageInput, options: ClassifyFacesOptions<C>): Promise<DetectedFace<C>[]>;
  sharedDetector(): FaceDetector;
}

/** Makes a tracker: what `createTracker` is in every entry. */
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
