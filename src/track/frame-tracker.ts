import { checkIterable } from '../check-iterable.js';
import { describeInput } from '../describe-input.js';
import { EMOTIONS } from '../emotions.js';
import { FerError } from '../errors.js';
import type { Box } from '../image/box.js';
import type { ImageInput } from '../image/input.js';
import { isList } from '../image/is-list.js';
import { assign } from './assign.js';
import { FollowedFace, type FollowedFaceOptions } from './followed-face.js';
import { seenFaces } from './seen-faces.js';
import { type FaceRecord, summarize, type TrackSummary } from './summary.js';
import type { SeenFace, Tracker, TrackerEventMap, TrackerFrame, TrackState } from './types.js';

/** The checked options of `createTracker`, with all defaults filled in. */
export interface FrameTrackerOptions extends Omit<FollowedFaceOptions, 'nextId' | 'classes'> {
  /** Names of the classes, when they are known. */
  classesNow: () => readonly string[] | undefined;
  lostAfter: number;
  forgetAfter: number;
  minOverlap: number;
  classify: (frame: ImageInput, time: number) => Promise<readonly SeenFace<string>[]>;
}

/** Follows faces from frame to frame. */
export function frameTracker(options: FrameTrackerOptions): Tracker<string> {
  trackerClass ??= makeTrackerClass();
  return new trackerClass(options);
}

let trackerClass: (new (options: FrameTrackerOptions) => Tracker<string>) | undefined;

/** Made at the first call, so that engines without EventTarget can import this module. */
function makeTrackerClass() {
  return class FrameTracker extends EventTarget implements Tracker<string> {
    readonly #options: FrameTrackerOptions & Omit<FollowedFaceOptions, 'classes'>;
    /** Fixed by the first frame. */
    #classes: readonly string[] | undefined;
    #ids = 0;
    /** Visible faces, briefly missing faces, and faces that do not count yet. */
    #present: FollowedFace[] = [];
    /** Lost faces that may be recognised again. */
    #lost: FollowedFace[] = [];
    readonly #forgotten: FaceRecord<string>[] = [];
    #frames = 0;
    #first = 0;
    #last: number | null = null;
    #queue: Promise<unknown> = Promise.resolve();

    constructor(options: FrameTrackerOptions) {
      super();
      this.#options = { ...options, nextId: () => ++this.#ids };
    }

    get classes(): readonly string[] {
      return this.#classes ?? this.#options.classesNow() ?? EMOTIONS;
    }

    update(frame: ImageInput | readonly SeenFace<string>[], timestamp: number): Promise<TrackState<string>> {
      const state = this.#queue.then(async () => {
        this.#checkTime(timestamp);
        const found = isList(frame as ImageInput)
          ? (frame as readonly SeenFace<string>[])
          : await this.#options.classify(frame as ImageInput, timestamp);
        // After the first faces, because a classifier knows its classes when it is loaded.
        const faces = seenFaces(found, this.classes);
        if (faces.length > 0) this.#classes = this.classes;
        return this.#take(faces, timestamp);
      });
      this.#queue = state.catch(() => {});
      return state;
    }

    async *follow(
      frames: Iterable<TrackerFrame<string>> | AsyncIterable<TrackerFrame<string>>,
    ): AsyncGenerator<TrackState<string>, void, undefined> {
      checkIterable(frames, 'frames');
      for await (const frame of frames) {
        if (typeof frame !== 'object' || frame === null) {
          throw new FerError(
            'INPUT',
            `a frame must be { image, timestamp } or { faces, timestamp }, got ${describeInput(frame)}`,
          );
        }
        yield await this.update('faces' in frame ? frame.faces : frame.image, frame.timestamp);
      }
    }

    summary(): TrackSummary<string> {
      const known = [...this.#present, ...this.#lost].filter(({ id }) => id > 0).map((face) => face.record());
      return summarize(
        { frames: this.#frames, from: this.#first, to: this.#last ?? 0 },
        [...this.#forgotten, ...known],
        this.classes,
      );
    }

    #checkTime(timestamp: number): void {
      if (!Number.isFinite(timestamp)) {
        throw new FerError('TIMESTAMP', `timestamp must be a number of milliseconds, got ${describeInput(timestamp)}`);
      }
      if (this.#last !== null && timestamp < this.#last) {
        throw new FerError(
          'TIMESTAMP',
          `the frame at ${timestamp} ms comes after the one at ${this.#last} ms: pass frames in order of time, and make a tracker for each video`,
        );
      }
    }

    #take(faces: { box: Box; probabilities: number[] }[], time: number): TrackState<string> {
      if (this.#last === null) this.#first = time;
      this.#last = time;
      this.#frames++;

      // Before matching, so that a face that returns too late is found as new; and after, for faces that are missing now.
      this.#loseMissing(time);
      const unknown = this.#see(faces, time);
      this.#loseMissing(time);
      for (const { box, probabilities } of unknown) {
        const face = new FollowedFace(box, time, { ...this.#options, classes: this.classes });
        this.#present.push(face);
        this.#tell(face, time, face.see(box, probabilities, time));
      }
      const seenNow = this.#present.filter(({ found }) => found).sort((a, b) => a.id - b.id);
      return { time, faces: seenNow.map((face) => face.state()) };
    }

    /** Marks faces as lost that were missing for too long. A long gap between frames alone loses no face, up to `forgetAfter`. */
    #loseMissing(time: number): void {
      const { lostAfter, forgetAfter } = this.#options;
      const longest = Math.max(lostAfter, forgetAfter);
      const missing = this.#present.filter(
        ({ lastSeen, inSight }) => time - lastSeen > (inSight ? longest : lostAfter),
      );
      this.#present = this.#present.filter((face) => !missing.includes(face));
      for (const face of missing) {
        face.miss();
        const { id, lastSeen, found } = face;
        const state = face.state();
        face.lose();
        if (id > 0) this.#lost.push(face);
        if (found) this.#dispatch('lost', { id, time, lastSeen, face: state });
      }
      const gone = this.#lost.filter(({ lastSeen }) => time - lastSeen > forgetAfter);
      this.#lost = this.#lost.filter((face) => !gone.includes(face));
      this.#forgotten.push(...gone.map((face) => face.record()));
    }

    /** Matches each face to a followed one: first by its expected position, then by its last position. Returns the rest. */
    #see(faces: { box: Box; probabilities: number[] }[], time: number): typeof faces {
      const { minOverlap } = this.#options;
      let waiting = this.#present;
      let left = faces;
      for (const placeOf of [(face: FollowedFace) => face.expected(time), (face: FollowedFace) => face.box]) {
        const partners = assign(
          left.map(({ box }) => box),
          waiting.map(placeOf),
          minOverlap,
        );
        const unseen = new Set(waiting);
        for (const [i, { box, probabilities }] of left.entries()) {
          const face = waiting[partners[i]];
          if (face === undefined) continue;
          unseen.delete(face);
          this.#tell(face, time, face.see(box, probabilities, time));
        }
        left = left.filter((_, i) => partners[i] === -1);
        waiting = [...unseen];
      }
      for (const face of waiting) face.miss();

      const partners = assign(
        left.map(({ box }) => box),
        this.#lost.map(({ box }) => box),
        minOverlap,
      );
      const back = left.map((_, i) => this.#lost[partners[i]]);
      this.#lost = this.#lost.filter((face) => !back.includes(face));
      for (const [i, { box, probabilities }] of left.entries()) {
        if (back[i] === undefined) continue;
        this.#present.push(back[i]);
        this.#tell(back[i], time, back[i].returnAt(box, probabilities, time));
      }
      return left.filter((_, i) => back[i] === undefined);
    }

    #tell(face: FollowedFace, time: number, { found, change }: ReturnType<FollowedFace['see']>): void {
      const { id, since } = face;
      if (found) this.#dispatch('found', { id, time, since, again: face.again, face: face.state() });
      if (change !== null) this.#dispatch('change', { id, time, ...change, face: face.state() });
    }

    #dispatch<Type extends keyof TrackerEventMap<string>>(
      type: Type,
      detail: TrackerEventMap<string>[Type]['detail'],
    ): void {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }
  };
}
