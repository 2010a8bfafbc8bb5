import type { Emotion } from '../emotions.js';

/** A period in which a face showed one emotion. */
export interface Episode<C extends string = Emotion> {
  /** The face's id. */
  face: number;
  emotion: C;
  /** Time when it came into the lead, ms. */
  from: number;
  /** Time when another took over, or when the face was last seen, ms. */
  to: number;
}

/** The amount of one emotion. */
export interface EmotionShare {
  /** Duration in ms. */
  duration: number;
  /** Of the time with any emotion, in [0, 1]; 0 when there was none. */
  share: number;
  /** Number of episodes. */
  episodes: number;
}

/** The emotions of one face, or of all faces together. */
export interface FaceSummary<C extends string = Emotion> {
  /** ms of presence, from first to last sight, without the times when it was lost. */
  duration: number;
  /** ms of presence before an emotion had lasted long enough. */
  undecided: number;
  emotions: Record<C, EmotionShare>;
  /** In the order of time. */
  timeline: Episode<C>[];
}

/** The summary of a tracker. */
export interface TrackSummary<C extends string = Emotion> {
  /** Number of frames. */
  frames: number;
  /** Time of the first and of the last one, ms; both 0 before the first. */
  from: number;
  to: number;
  /** One entry per face, in the order of their ids. */
  faces: (FaceSummary<C> & { id: number; firstSeen: number; lastSeen: number })[];
  /** All faces together: their times are added. */
  overall: FaceSummary<C>;
}

/** The data of one face. */
export interface FaceRecord<C extends string = Emotion> {
  id: number;
  firstSeen: number;
  lastSeen: number;
  /** Duration in ms. */
  duration: number;
  timeline: Episode<C>[];
}

/** Sums the data of all faces. */
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
  // Rounding of sums may give a tiny negative number instead of 0.
  return { duration, undecided: Math.max(0, duration - decided), emotions, timeline };
}
