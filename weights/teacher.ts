import { readFile } from 'node:fs/promises';
import { brotliDecompressSync } from 'node:zlib';

/** Number of views of each face that the teacher has labelled. */
export const VIEWS = 24;

const CLASSES = 5;
const LEVELS = 31;

/**
 * Reads the teacher's probabilities for each view of each training face: [faces][VIEWS][classes].
 *
 * The file, written by `teacher.py`, holds one byte per probability, round(31 sqrt(p)), compressed with brotli.
 */
export async function readTeacher(path: string, faces: number): Promise<Float32Array[][]> {
  const codes = brotliDecompressSync(await readFile(path));
  if (codes.length !== faces * VIEWS * CLASSES) {
    throw new Error(`${path} answers for ${codes.length / VIEWS / CLASSES} faces, the data has ${faces}`);
  }
  return Array.from({ length: faces }, (_, face) =>
    Array.from({ length: VIEWS }, (_, view) => {
      const first = (face * VIEWS + view) * CLASSES;
      const squares = Array.from(codes.subarray(first, first + CLASSES), (code) => (code / LEVELS) ** 2);
      const total = squares.reduce((sum, square) => sum + square, 0);
      return Float32Array.from(squares, (square) => square / total);
    }),
  );
}

/** The teacher's answer to a face: the mean over its views. */
export function meanOverViews(views: readonly Float32Array[]): number[] {
  return Array.from({ length: CLASSES }, (_, c) => views.reduce((sum, view) => sum + view[c], 0) / views.length);
}
