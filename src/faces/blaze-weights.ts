import { FerError } from '../errors.js';
import { fromFloat16 } from '../float16.js';

/** The length of `blazeface.bin`. */
export const BLAZE_BYTES = 269_408;

/** A block: a depthwise and a pointwise convolution. */
export interface Block {
  from: number;
  to: number;
  stride: 1 | 2;
}

/** BlazeFace's blocks. The first 31 have a residual connection; the last one makes the features of the coarse grid from those of the fine grid. */
export function blazeBlocks(): Block[] {
  return [24, 24, 48, 96, 96].flatMap((to, stage, stages) =>
    Array.from({ length: [7, 8, 8, 8, 1][stage] }, (_, k): Block => {
      const first = k === 0 && stage > 0;
      return { from: first ? stages[stage - 1] : to, to, stride: first ? 2 : 1 };
    }),
  );
}

/**
 * Reads BlazeFace's weights.
 *
 * @param bytes - The content of `blazeface.bin`: half precision, in the order of use.
 * @returns Filter and bias of the first convolution; depthwise filter, pointwise filter and bias of each of {@link blazeBlocks};
 * filter and bias of the boxes of the coarse grid, then of the fine grid, then of the logits of the coarse and fine grid. Filters are
 * [height, width, in, out].
 * @throws FerError `WEIGHTS_CORRUPT` when they have another length.
 */
export function readBlazeWeights(bytes: Uint8Array): Float32Array[] {
  checkBlazeWeights(bytes);
  // A copy, because halves need an even offset.
  const values = fromFloat16(new Uint16Array(bytes.slice().buffer));
  let end = 0;
  return sizes().map((size) => {
    end += size;
    return values.subarray(end - size, end);
  });
}

/**
 * @throws FerError `WEIGHTS_CORRUPT` when the weights have another length.
 */
export function checkBlazeWeights({ length }: Uint8Array): void {
  if (length !== BLAZE_BYTES) {
    throw new FerError('WEIGHTS_CORRUPT', `BlazeFace's weights are ${length} bytes instead of ${BLAZE_BYTES}`);
  }
}

function sizes(): number[] {
  const blocks = blazeBlocks().flatMap(({ from, to }) => [9 * from, from * to, to]);
  const heads = [96, 32, 6, 2].flatMap((outputs) => [96 * outputs, outputs]);
  return [5 * 5 * 3 * 24, 24, ...blocks, ...heads];
}
