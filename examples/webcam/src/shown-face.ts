import type { Box, Emotion, Prediction } from 'fer-dcnn/lite';

/** A face as the page shows it, followed through a video or found on a picture. */
export interface ShownFace {
  id: number;
  /** As shares of the picture's width and height. */
  box: Box;
  predictions: readonly Prediction[];
  /** What it steadily shows; on a picture, what is most probable. */
  emotion: Emotion | null;
}

/** What is written at a face. */
export function captionOf({ id, emotion, predictions }: ShownFace): string {
  const share = predictions.find(({ className }) => className === emotion)?.probability;
  return share === undefined ? `${id}` : `${id} ${emotion} ${Math.round(100 * share)} %`;
}

/** The same, where there is little room. */
export function shortCaptionOf({ id, emotion }: ShownFace): string {
  return emotion === null ? `${id}` : `${id} ${emotion}`;
}

/** A sentence a face. */
export function sentencesOf(faces: readonly ShownFace[]): string {
  if (faces.length === 0) return 'No face in sight.';
  return faces
    .map(({ id, emotion }) => `Face ${id} ${emotion === null ? 'is in sight' : `looks ${emotion}`}.`)
    .join(' ');
}
