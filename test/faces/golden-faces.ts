import { readFileSync } from 'node:fs';
import type { Anchors } from '../../src/faces/decode-anchors.js';
import type { Detection } from '../../src/faces/types.js';

/** What BlazeFace gives on TF.js: see scripts/golden-faces.ts. A face is its score, box and points, as `flat` gives them. */
export interface GoldenFaces {
  /** At an input size of 256. */
  drawn: Record<string, { logits: number[]; places: number[]; faces: number[][] }>;
  /** The photos of `@vladmandic/face-api`, at 320. */
  demo: Record<string, number[][]>;
  /** Photos of the shared data, at 128. */
  valid: Record<string, number[][]>;
}

export function readGoldenFaces(): GoldenFaces {
  return JSON.parse(readFileSync('test/faces/golden-faces.json', 'utf8'));
}

/** Some numbers of every grid. */
export function sampled(anchors: readonly Anchors[]): { logits: number[]; places: number[] } {
  const some = (values: Float32Array[], step: number) =>
    values.flatMap((list) => [...list].filter((_, k) => k % step === 0)).map((value) => Number(value.toFixed(5)));
  return {
    logits: some(
      anchors.map(({ logits }) => logits),
      41,
    ),
    places: some(
      anchors.map(({ places }) => places),
      397,
    ),
  };
}

/** Score, box and points in one list. */
export function flat({ score, box, keypoints = [] }: Detection): number[] {
  return [score, box.x, box.y, box.width, box.height, ...keypoints.flatMap(({ x, y }) => [x, y])];
}
