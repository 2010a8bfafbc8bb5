import type { Prediction, Predictions } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { EventLike, EventTargetLike, EventWith, Listener, ListenerOptions } from '../global-types.js';
import type { Box } from '../image/box.js';
import type { ImageInput } from '../image/input.js';
import type { TrackSummary } from './summary.js';

/** A face on one frame, as `classifyFaces` finds it. */
export interface SeenFace<C extends string = Emotion> {
  /** Where it is, in pixels of the frame. */
  box: Box;
  /** What it shows; an emotion that is left out has probability 0. */
  predictions: readonly Prediction<C>[];
}

/** A face that is followed. */
export interface TrackedFace<C extends string = Emotion> {
  /** 1 for the first face that was found; a face that is lost and found again at the same place keeps it. */
  id: number;
  /** Where it was last seen, in pixels of the frame. */
  box: Box;
  /** Whether it was seen on this very frame; one that is missed stays, as it was, for `lostAfter`. */
  seen: boolean;
  /** What it steadily shows; null until one emotion has lasted for `minDuration`. */
  emotion: C | null;
  /** Smoothed, in the order of the tracker's `classes`; sum 1. */
  probabilities: number[];
  /** The same, most probable first. */
  predictions: Predictions<C>;
}

/** What there is to see at one time. */
export interface TrackState<C extends string = Emotion> {
  /** Of the frame, ms. */
  time: number;
  /** In the order of their ids. */
  faces: TrackedFace<C>[];
}

/** A face came: it has been seen for `foundAfter`. */
export interface FoundDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** When it was first seen, ms. */
  since: number;
  /** Whether it had been lost before. */
  again: boolean;
  face: TrackedFace<C>;
}

/** A face has another emotion: that has been ahead by `hysteresis` for `minDuration`. */
export interface ChangeDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** When it came into the lead, ms. */
  since: number;
  /** null for the first emotion since the face was found. */
  from: C | null;
  to: C;
  face: TrackedFace<C>;
}

/** A face went: it has not been seen for `lostAfter`. */
export interface LostDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** When it was last seen, ms. */
  lastSeen: number;
  face: TrackedFace<C>;
}

export interface TrackerEventMap<C extends string = Emotion> {
  found: EventWith<FoundDetail<C>>;
  change: EventWith<ChangeDetail<C>>;
  lost: EventWith<LostDetail<C>>;
}

/** One frame for `tracker.follow`: a picture, or the faces that were found on it. */
export type TrackerFrame<C extends string = Emotion> =
  | { image: ImageInput; timestamp: number }
  | { faces: readonly SeenFace<C>[]; timestamp: number };

/** Follows faces over time. Events: `found`, `change`, `lost`. */
export interface Tracker<C extends string = Emotion> extends EventTargetLike {
  /** Names of the classes, in the order of `probabilities`. */
  readonly classes: readonly C[];
  /**
   * Takes the next frame. Calls are worked on one after the other; await each, so that frames do not pile up.
   *
   * @param frame - A picture, or the faces that were found on it.
   * @param timestamp - When it was taken, ms on any clock that goes forward.
   * @throws FerError `TIMESTAMP` for a time that is no number or lies before the last one's; `SHAPE`, `NOT_FINITE`, `CLASSES`
   * for entries that are not faces; else as `classifyFaces`. A frame that fails leaves everything as it was.
   */
  update(frame: ImageInput | readonly SeenFace<C>[], timestamp: number): Promise<TrackState<C>>;
  /**
   * Takes frame after frame, and gives the state after each.
   *
   * @throws FerError as `update`, and what `frames` throws.
   * @example
   * for await (const { time, faces } of tracker.follow(videoFrames('clip.mp4'))) console.log(time, faces[0]?.emotion);
   */
  follow(
    frames: Iterable<TrackerFrame<C>> | AsyncIterable<TrackerFrame<C>>,
  ): AsyncGenerator<TrackState<C>, void, undefined>;
  /** What has been seen up to now; plain data. */
  summary(): TrackSummary<C>;

  addEventListener<Type extends keyof TrackerEventMap<C>>(
    type: Type,
    listener: ((event: TrackerEventMap<C>[Type]) => void) | null,
    options?: ListenerOptions | boolean,
  ): void;
  addEventListener(type: string, listener: Listener<EventLike> | null, options?: ListenerOptions | boolean): void;
  removeEventListener<Type extends keyof TrackerEventMap<C>>(
    type: Type,
    listener: ((event: TrackerEventMap<C>[Type]) => void) | null,
    options?: ListenerOptions | boolean,
  ): void;
  removeEventListener(type: string, listener: Listener<EventLike> | null, options?: ListenerOptions | boolean): void;
}
