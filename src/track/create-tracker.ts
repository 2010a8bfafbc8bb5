import { type ClassifyFacesOptions, classifyFaces } from '../classify/classify-faces.js';
import { FerError } from '../errors.js';
import type { ImageInput } from '../image/input.js';
import { FrameTracker } from './frame-tracker.js';
import type { SeenFace, Tracker } from './types.js';

/** What is said of finding faces (`detector`, `classifier`, `minScore`, `maxFaces`, …) is as for `classifyFaces`. */
export interface CreateTrackerOptions extends Omit<ClassifyFacesOptions, 'topk'> {
  /**
   * Finds and classifies the faces on a picture, instead of `classifyFaces`: in a worker of your own, for instance.
   * @default classifyFaces, with the options given here
   */
  classify?: (frame: ImageInput) => Promise<readonly SeenFace[]>;
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
   * How long a face must be seen before it is told of, ms: what a detector takes for a face on a single frame is none.
   * 0 tells of it at once.
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

/**
 * Makes a tracker, which turns frames into a steady line of emotion over time: each face keeps its identity, its
 * probabilities are smoothed by time, and its emotion changes only when another one lasts. Results do not depend on
 * the frame rate, as far as the frames show what happens.
 *
 * It is an `EventTarget`: `found`, `change` and `lost` are events whose `detail` says which face, when, and what. They are
 * dispatched while `update` works on the frame. Memory grows with faces and episodes, not with frames.
 *
 * @throws FerError `OPTION` for an option out of its range; those of `classifyFaces` are looked at with the first picture.
 * @example
 * const tracker = createTracker();
 * tracker.addEventListener('change', ({ detail }) => console.log(detail.id, detail.from, '->', detail.to));
 * for await (const { time, faces } of tracker.follow(videoFrames('clip.mp4'))) console.log(time, faces);
 * console.log(tracker.summary().overall.emotions.happy.share);
 */
export function createTracker(options: CreateTrackerOptions = {}): Tracker {
  const { smoothing = 300, hysteresis = 0.1, minDuration = 500, minOverlap = 0.3 } = options;
  const { foundAfter = 200, lostAfter = 1000, forgetAfter = 5000 } = options;
  const { detector, classifier, minScore, maxFaces, fallback } = options;
  const { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds } = options;
  const limits = { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
  const finding = { detector, classifier, minScore, maxFaces, fallback, ...limits };
  const { classify = (frame: ImageInput) => classifyFaces(frame, finding) } = options;
  for (const [name, ms] of Object.entries({ smoothing, minDuration, foundAfter, lostAfter, forgetAfter })) {
    if (!(Number.isFinite(ms) && ms >= 0)) throw new FerError('OPTION', `${name} must be 0 ms or more, got ${ms}`);
  }
  if (!(hysteresis >= 0 && hysteresis <= 1)) {
    throw new FerError('OPTION', `hysteresis must lie in [0, 1], got ${hysteresis}`);
  }
  if (!(minOverlap > 0 && minOverlap <= 1)) {
    throw new FerError('OPTION', `minOverlap must be above 0 and at most 1, got ${minOverlap}`);
  }
  if (typeof classify !== 'function')
    throw new FerError('OPTION', `classify must be a function, got ${typeof classify}`);

  return new FrameTracker({
    ...{ smoothing, hysteresis, minDuration, foundAfter, lostAfter, forgetAfter, minOverlap, classify },
  });
}
