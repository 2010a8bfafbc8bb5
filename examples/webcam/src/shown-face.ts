import type { Box, Emotion, Prediction } from 'fer-dcnn';

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
export function captionOf({ id, emotion }: ShownFace): string {
  return emotion === null ? `${id}` : `${id} ${emotion}`;
}
