import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';
import type { Anchors } from './decode-anchors.js';
import type { Detection } from './types.js';

/** BlazeFace, ready to run. {@link startWasmEngine} and {@link plainEngine} each make one, with equal results. */
export interface FaceEngine {
  /**
   * Finds faces; results are in pixels of the image, best score first.
   *
   * @param image - Pixels of any size.
   * @throws FerError `TOO_LARGE` when there is not enough memory.
   */
  find(image: PixelImage, options: FindOptions): Detection[];
  /** The network's outputs for the anchors of the last picture. */
  anchors(): Anchors[];
  /** Frees its memory. */
  dispose(): void;
}

export interface FindOptions {
  /** Pixels to which the longer side is resized, a multiple of 32. */
  inputSize: number;
  /** Minimum score of a face, in (0, 1). */
  minScore: number;
  /**
   * The part of the image to search.
   * @default the whole image
   */
  part?: Box;
}

/** Minimum intersection over union of two boxes of one face, as in MediaPipe. */
export const OVERLAP = 0.3;

/** The grids of anchors of a picture. */
export function gridsOf(width: number, height: number): Omit<Anchors, 'logits' | 'places'>[] {
  return [
    { rows: height / 16, columns: width / 16, stride: 16, perCell: 2 },
    { rows: height / 32, columns: width / 32, stride: 32, perCell: 6 },
  ];
}
