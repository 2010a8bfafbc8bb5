import { classifyFaces, sharedDetector } from '../classify/classify-faces-lite.js';
import type { Emotion } from '../emotions.js';
import { type CreateTrackerOptions, trackerOf } from './tracker-of.js';
import type { Tracker } from './types.js';

/**
 * Makes a tracker, which turns frames into a steady line of emotion over time: each face keeps its identity, its
 * probabilities are smoothed by time, and its emotion changes only when another one lasts. Results do not depend on
 * the frame rate, as far as the frames show what happens.
 *
 * It is an `EventTarget`: `found`, `change` and `lost` are events whose `detail` says which face, when, and what. They are
 * dispatched while `update` works on the frame. Memory grows with faces and episodes, not with frames.
 *
 * @throws FerError `OPTION` for an option out of its range, those of `classifyFaces` too; `CLASSES` for names that repeat.
 * @example
 * const tracker = createTracker();
 * tracker.addEventListener('change', ({ detail }) => console.log(detail.id, detail.from, '->', detail.to));
 * for await (const { time, faces } of tracker.follow(videoFrames('clip.mp4'))) console.log(time, faces);
 * console.log(tracker.summary().overall.emotions.happy.share);
 */
export function createTracker<const C extends string = Emotion>(options: CreateTrackerOptions<C> = {}): Tracker<C> {
  return trackerOf(options, { classifyFaces, sharedDetector });
}
