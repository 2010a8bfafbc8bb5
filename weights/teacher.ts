import { readFile } from 'node:fs/promises';
import { brotliDecompressSync } from 'node:zlib';

/** Views of each face that the teacher has answered for. */
export const VIEWS = 24;

const CLASSES = 5;
const LEVELS = 31;

/**
 * Reads what the teacher says of each view of each training face: [faces][VIEWS][classes] probabilities.
 *
 * The file holds one byte a probability, round(31 sqrt(p)), compressed with brotli; `teacher.py` wrote it.
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

/** The mean over the views: what the teacher says of the face. */
export function meanOverViews(views: readonly Float32Array[]): number[] {
  return Array.from({ length: CLASSES }, (_, c) => views.reduce((sum, view) => sum + view[c], 0) / views.length);
}
