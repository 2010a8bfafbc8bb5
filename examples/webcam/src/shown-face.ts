import type { Box, Emotion, Prediction } from 'fer-dcnn/lite';

/** A face as shown on the page, followed through a video or found in a picture. */
export interface ShownFace {
  id: number;
  /** As shares of the picture's width and height. */
  box: Box;
  predictions: readonly Prediction[];
  /** Its stable emotion; in a picture, its most probable emotion. */
  emotion: Emotion | null;
}

/** The caption of a face. */
export function captionOf({ id, emotion, predictions }: ShownFace): string {
  const share = predictions.find(({ className }) => className === emotion)?.probability;
  return share === undefined ? `${id}` : `${id} ${emotion} ${Math.round(100 * share)}%`;
}

/** A short caption, for little room. */
export function shortCaptionOf({ id, emotion }: ShownFace): string {
  return emotion === null ? `${id}` : `${id} ${emotion}`;
}

/** One sentence per face. */
export function sentencesOf(faces: readonly ShownFace[]): string {
  if (faces.length === 0) return 'No face in sight.';
  return faces
    .map(({ id, emotion }) => `Face ${id} ${emotion === null ? 'is in sight' : `looks ${emotion}`}.`)
    .join(' ');
}
