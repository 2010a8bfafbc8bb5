import type { Emotion } from '../emotions.js';

/** A time through which a face steadily showed one emotion. */
export interface Episode<C extends string = Emotion> {
  /** The face's id. */
  face: number;
  emotion: C;
  /** When it came into the lead, ms. */
  from: number;
  /** When another took over, or the face was last seen, ms. */
  to: number;
}

/** How much of one emotion there was. */
export interface EmotionShare {
  /** ms. */
  duration: number;
  /** Of the time with any emotion, in [0, 1]; 0 when there was none. */
  share: number;
  /** How often it came. */
  episodes: number;
}

/** What one face showed, or all of them together. */
export interface FaceSummary<C extends string = Emotion> {
  /** ms through which it was there: first to last sight, without the times when it was lost. */
  duration: number;
  /** ms of that without an emotion: none had lasted yet. */
  undecided: number;
  emotions: Record<C, EmotionShare>;
  /** In the order of time. */
  timeline: Episode<C>[];
}

/** What has been seen. */
export interface TrackSummary<C extends string = Emotion> {
  /** How many frames. */
  frames: number;
  /** Time of the first and of the last one, ms; both 0 before the first. */
  from: number;
  to: number;
  /** One entry a face, in the order of their ids. */
  faces: (FaceSummary<C> & { id: number; firstSeen: number; lastSeen: number })[];
  /** All faces together: their times are added. */
  overall: FaceSummary<C>;
}

/** What is known of one face. */
export interface FaceRecord<C extends string = Emotion> {
  id: number;
  firstSeen: number;
  lastSeen: number;
  /** ms. */
  duration: number;
  timeline: Episode<C>[];
}

/** Adds up what is known of each face. */
export function summarize(
  span: { frames: number; from: number; to: number },
  records: readonly FaceRecord<string>[],
  classes: readonly string[],
): TrackSummary<string> {
  const faces = [...records]
    .sort((a, b) => a.id - b.id)
    .map(({ id, firstSeen, lastSeen, duration, timeline }) => ({
      id,
      firstSeen,
      lastSeen,
      ...summaryOf(
        duration,
        timeline.map((episode) => ({ ...episode })),
        classes,
      ),
    }));
  const duration = faces.reduce((sum, face) => sum + face.duration, 0);
  const timeline = faces
    .flatMap((face) => face.timeline.map((episode) => ({ ...episode })))
    .sort((a, b) => a.from - b.from || a.face - b.face);
  return { ...span, faces, overall: summaryOf(duration, timeline, classes) };
}

function summaryOf(duration: number, timeline: Episode<string>[], classes: readonly string[]): FaceSummary<string> {
  const lengthOf = (episodes: Episode<string>[]) => episodes.reduce((sum, { from, to }) => sum + to - from, 0);
  const decided = lengthOf(timeline);
  const emotions: Record<string, EmotionShare> = {};
  for (const emotion of classes) {
    const episodes = timeline.filter((episode) => episode.emotion === emotion);
    const length = lengthOf(episodes);
    emotions[emotion] = { duration: length, share: decided > 0 ? length / decided : 0, episodes: episodes.length };
  }
  // Sums of floating numbers: what is left of nothing may come out a hair below it.
  return { duration, undecided: Math.max(0, duration - decided), emotions, timeline };
}
