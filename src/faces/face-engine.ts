import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';
import type { Anchors } from './decode-anchors.js';
import type { Detection } from './types.js';

/** BlazeFace made ready: {@link startWasmEngine} and {@link plainEngine} make one each, which give the same. */
export interface FaceEngine {
  /**
   * Finds faces; what is returned is in pixels of the image, best score first.
   *
   * @param image - Pixels of any size.
   * @throws FerError `TOO_LARGE` where there is no memory for it.
   */
  find(image: PixelImage, options: FindOptions): Detection[];
  /** What the network said of each anchor of the last picture. */
  anchors(): Anchors[];
  /** Frees what it holds. */
  dispose(): void;
}

export interface FindOptions {
  /** Pixels to which the longer side is resized, a multiple of 32. */
  inputSize: number;
  /** Least score of a face, in (0, 1). */
  minScore: number;
  /**
   * The part of the image in which faces are looked for.
   * @default all of it
   */
  part?: Box;
}

/** Least intersection over union of two boxes of one face, as MediaPipe has it. */
export const OVERLAP = 0.3;

/** The grids of anchors of a picture. */
export function gridsOf(width: number, height: number): Omit<Anchors, 'logits' | 'places'>[] {
  return [
    { rows: height / 16, columns: width / 16, stride: 16, perCell: 2 },
    { rows: height / 32, columns: width / 32, stride: 32, perCell: 6 },
  ];
}
