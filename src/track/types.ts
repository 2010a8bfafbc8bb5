import type { Prediction, Predictions } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { EventLike, EventTargetLike, EventWith, Listener, ListenerOptions } from '../global-types.js';
import type { Box } from '../image/box.js';
import type { ImageInput } from '../image/input.js';
import type { TrackSummary } from './summary.js';

/** A face in one frame, as from `classifyFaces`. */
export interface SeenFace<C extends string = Emotion> {
  /** Its box, in pixels of the frame. */
  box: Box;
  /** Its classes; a class that is left out has probability 0. */
  predictions: readonly Prediction<C>[];
}

/** A tracked face. */
export interface TrackedFace<C extends string = Emotion> {
  /** 1 for the first face that was found; a face that is lost and found again at the same place keeps it. */
  id: number;
  /** Its last visible box, in pixels of the frame. */
  box: Box;
  /** Whether it was visible on this frame; a missing face stays unchanged for `lostAfter`. */
  seen: boolean;
  /** Its stable emotion; null until one emotion has lasted for `minDuration`. */
  emotion: C | null;
  /** Smoothed, in the order of the tracker's `classes`; sum 1. */
  probabilities: number[];
  /** The same, most probable first. */
  predictions: Predictions<C>;
}

/** The state of the tracker at one time. */
export interface TrackState<C extends string = Emotion> {
  /** Time of the frame, ms. */
  time: number;
  /** In the order of their ids. */
  faces: TrackedFace<C>[];
}

/** A face was found: it has been visible for `foundAfter`. */
export interface FoundDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** Time when it was first seen, ms. */
  since: number;
  /** Whether it had been lost before. */
  again: boolean;
  face: TrackedFace<C>;
}

/** A face changed its emotion: the new one has been ahead by `hysteresis` for `minDuration`. */
export interface ChangeDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** Time when it came into the lead, ms. */
  since: number;
  /** null for the first emotion since the face was found. */
  from: C | null;
  to: C;
  face: TrackedFace<C>;
}

/** A face was lost: it has not been visible for `lostAfter`. */
export interface LostDetail<C extends string = Emotion> {
  id: number;
  /** Of the frame on which that was clear, ms. */
  time: number;
  /** Time when it was last seen, ms. */
  lastSeen: number;
  face: TrackedFace<C>;
}

export interface TrackerEventMap<C extends string = Emotion> {
  found: EventWith<FoundDetail<C>>;
  change: EventWith<ChangeDetail<C>>;
  lost: EventWith<LostDetail<C>>;
}

/** One frame for `tracker.follow`: a picture, or the faces that were found in it. */
export type TrackerFrame<C extends string = Emotion> =
  | { image: ImageInput; timestamp: number }
  | { faces: readonly SeenFace<C>[]; timestamp: number };

/** Follows faces over time. Events: `found`, `change`, `lost`. */
export interface Tracker<C extends string = Emotion> extends EventTargetLike {
  /** Names of the classes, in the order of `probabilities`. */
  readonly classes: readonly C[];
  /**
   * Processes the next frame. Calls run one after the other; await each, so that frames do not pile up.
   *
   * @param frame - A picture, or the faces that were found on it.
   * @param timestamp - Time of the frame, in ms on any clock that only goes forward.
   * @throws FerError `TIMESTAMP` for a time that is not a number or is before the last one; `SHAPE`, `NOT_FINITE`, `CLASSES`
   * for entries that are not faces; otherwise as `classifyFaces`. A frame that fails changes nothing.
   */
  update(frame: ImageInput | readonly SeenFace<C>[], timestamp: number): Promise<TrackState<C>>;
  /**
   * Processes frames one by one, and yields the state after each.
   *
   * @throws FerError as `update`, and the errors of `frames`.
   * @example
   * for await (const { time, faces } of tracker.follow(videoFrames('clip.mp4'))) console.log(time, faces[0]?.emotion);
   */
  follow(
    frames: Iterable<TrackerFrame<C>> | AsyncIterable<TrackerFrame<C>>,
  ): AsyncGenerator<TrackState<C>, void, undefined>;
  /** The summary up to now, as plain data. */
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
