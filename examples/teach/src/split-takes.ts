import type { TaughtFace } from './teaching-worker.js';

/**
 * Keeps the last quarter of every take aside. Frames that follow each other look alike, so a random quarter would all but
 * repeat what was taught; the end of a recording is as far from the rest as one can get within it.
 *
 * @param takes - By class: recordings, or pictures that were chosen together.
 */
export function splitTakes(takes: readonly (readonly ImageData[][])[]): {
  teaching: TaughtFace[];
  heldOut: TaughtFace[];
} {
  const teaching: TaughtFace[] = [];
  const heldOut: TaughtFace[] = [];
  for (const [label, ofClass] of takes.entries()) {
    // Pictures that were added one by one are one take.
    const whole = ofClass.every((faces) => faces.length < 4) ? [ofClass.flat()] : ofClass;
    for (const faces of whole) {
      const end = faces.length - Math.floor(faces.length / 4);
      teaching.push(...faces.slice(0, end).map((image) => ({ image, label })));
      heldOut.push(...faces.slice(end).map((image) => ({ image, label })));
    }
  }
  return { teaching, heldOut };
}
