import { classifyFaces, sharedDetector } from '../classify/classify-faces.js';
import type { Emotion } from '../emotions.js';
import { type CreateTrackerOptions, trackerOf } from './tracker-of.js';
import type { Tracker } from './types.js';

/**
 * Makes a tracker, which turns frames into stable emotions over time: each face keeps its identity, its probabilities are
 * smoothed by time, and its emotion changes only when another one lasts. Results do not depend on the frame rate, if the
 * frames are frequent enough to show the changes.
 *
 * It is an `EventTarget`: `found`, `change` and `lost` are events whose `detail` has the face, the time and the change. They
 * are dispatched while `update` works on the frame. Memory grows with faces and episodes, not with frames.
 *
 * @throws FerError `OPTION` for an option out of its range, including those of `classifyFaces`; `CLASSES` for repeated names.
 * @example
 * const tracker = createTracker();
 * tracker.addEventListener('change', ({ detail }) => console.log(detail.id, detail.from, '->', detail.to));
 * for await (const { time, faces } of tracker.follow(videoFrames('clip.mp4'))) console.log(time, faces);
 * console.log(tracker.summary().overall.emotions.happy.share);
 */
export function createTracker<const C extends string = Emotion>(options: CreateTrackerOptions<C> = {}): Tracker<C> {
  return trackerOf(options, { classifyFaces, sharedDetector });
}
