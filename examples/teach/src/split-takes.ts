import type { TaughtFace } from './teaching-worker.js';

/**
 * Holds out the last quarter of every take. Neighbouring frames look alike, so a random quarter would nearly repeat the
 * training faces; the end of a recording differs most from the rest of it.
 *
 * @param takes - For each class: its recordings, and its pictures that were chosen together.
 */
export function splitTakes(takes: readonly (readonly ImageData[][])[]): {
  teaching: TaughtFace[];
  heldOut: TaughtFace[];
} {
  const teaching: TaughtFace[] = [];
  const heldOut: TaughtFace[] = [];
  for (const [label, ofClass] of takes.entries()) {
    // Pictures that were added one by one count as one take.
    const whole = ofClass.every((faces) => faces.length < 4) ? [ofClass.flat()] : ofClass;
    for (const faces of whole) {
      const end = faces.length - Math.floor(faces.length / 4);
      teaching.push(...faces.slice(0, end).map((image) => ({ image, label })));
      heldOut.push(...faces.slice(end).map((image) => ({ image, label })));
    }
  }
  return { teaching, heldOut };
}
