import { predictionsOf } from '../classify/prediction.js';
import type { Box } from '../image/box.js';
import { Motion } from './motion.js';
import { Smoothing } from './smoothing.js';
import { SteadyEmotion } from './steady-emotion.js';
import type { Episode, FaceRecord } from './summary.js';
import type { TrackedFace } from './types.js';

/** Settings for following a face, in ms except `hysteresis`. */
export interface FollowedFaceOptions {
  smoothing: number;
  hysteresis: number;
  minDuration: number;
  foundAfter: number;
  /** Names of the classes, in the order of probabilities. */
  classes: readonly string[];
  /** Returns the id of a face that is found for the first time. */
  nextId: () => number;
}

/** The changes of a face when it was seen. */
export interface Sight {
  /** It has just been visible long enough to count. */
  found: boolean;
  /** It has another emotion from now on; only for faces that count. */
  change: EmotionChange | null;
}

interface EmotionChange {
  from: string | null;
  to: string;
  since: number;
}

/** One face over time: its position, its smoothed probabilities, its stable emotion, its history. */
export class FollowedFace {
  /** 0 until it was found. */
  id = 0;
  /** Time when it was first seen after it was last lost. */
  since: number;
  lastSeen: number;
  readonly #options: FollowedFaceOptions;
  #motion: Motion;
  #smoothing!: Smoothing;
  #steady!: SteadyEmotion;
  /** ms for which it has been visible without a break. */
  #seenFor = 0;
  /** Whether it was visible on the last frame. */
  inSight = true;
  #found = false;
  #timesFound = 0;
  readonly #firstSeen: number;
  /** Time when it was last seen while it counted. */
  #lastCounted: number;
  /** ms of presence before it was last lost. */
  #durationBefore = 0;
  readonly #timeline: Episode<string>[] = [];
  #open: Episode<string> | null = null;
  /** Emotion changes before it counted. */
  #change: EmotionChange | null = null;

  constructor(box: Box, time: number, options: FollowedFaceOptions) {
    this.#options = options;
    this.#motion = new Motion(box);
    this.since = time;
    this.lastSeen = time;
    this.#firstSeen = time;
    this.#lastCounted = time;
    this.#restart(box);
  }

  /** Whether it has been seen long enough to be reported, and is not lost. */
  get found(): boolean {
    return this.#found;
  }

  /** Whether it had been lost before it was last found. */
  get again(): boolean {
    return this.#timesFound > 1;
  }

  /** Its last visible position. */
  get box(): Box {
    return this.#motion.box;
  }

  /** Its expected position now. */
  expected(time: number): Box {
    return this.#motion.expected(time - this.lastSeen);
  }

  /** Called when it is on this frame. */
  see(box: Box, probabilities: readonly number[], time: number): Sight {
    const elapsed = time - this.lastSeen;
    // Its emotion is unknown while it was not visible, so that time does not count.
    const witnessed = this.inSight ? elapsed : 0;
    this.inSight = true;
    this.#motion.add(box, elapsed);
    this.lastSeen = time;
    this.#seenFor += witnessed;
    this.#smoothing.add(probabilities, elapsed);
    if (this.#open !== null) this.#open.to = time;

    const from = this.#steady.emotion;
    const taken = this.#steady.add(this.#smoothing.value(), time, witnessed);
    const to = this.#steady.emotion;
    if (taken !== null && to !== null) this.#change = { from: this.#found ? from : null, to, since: taken.since };

    const found = !this.#found && this.#seenFor >= this.#options.foundAfter;
    if (found) {
      this.#found = true;
      this.#timesFound++;
    }
    if (!this.#found) return { found, change: null };
    if (this.id === 0) this.id = this.#options.nextId();
    this.#lastCounted = time;
    const change = this.#change;
    this.#change = null;
    if (change !== null) this.#begin(change, time);
    return { found, change };
  }

  /** Called when it is not on this frame. */
  miss(): void {
    this.inSight = false;
  }

  /** Called when it has been missing for too long. */
  lose(): void {
    this.#durationBefore += this.lastSeen - this.since;
    this.#found = false;
    this.#open = null;
  }

  /** Called when it is on this frame after it was lost: its earlier emotion no longer counts. */
  returnAt(box: Box, probabilities: readonly number[], time: number): Sight {
    this.since = time;
    this.lastSeen = time;
    this.#restart(box);
    return this.see(box, probabilities, time);
  }

  state(): TrackedFace<string> {
    const probabilities = this.#smoothing.value();
    return {
      id: this.id,
      box: { ...this.box },
      seen: this.inSight,
      emotion: this.#steady.emotion,
      probabilities,
      predictions: predictionsOf(probabilities, 0, probabilities.length, this.#options.classes),
    };
  }

  /** Everything that is kept about it. */
  record(): FaceRecord<string> {
    const duration = this.#durationBefore + (this.#found ? this.lastSeen - this.since : 0);
    return { id: this.id, firstSeen: this.#firstSeen, lastSeen: this.#lastCounted, duration, timeline: this.#timeline };
  }

  #restart(box: Box): void {
    const { smoothing, hysteresis, minDuration, classes } = this.#options;
    this.#motion = new Motion(box);
    this.#smoothing = new Smoothing(classes.length, smoothing);
    this.#steady = new SteadyEmotion(hysteresis, minDuration, classes);
    this.#change = null;
    this.#seenFor = 0;
    this.inSight = true;
  }

  #begin({ to: emotion, since }: EmotionChange, time: number): void {
    if (this.#open !== null) this.#open.to = since;
    this.#open = { face: this.id, emotion, from: since, to: time };
    this.#timeline.push(this.#open);
  }
}
