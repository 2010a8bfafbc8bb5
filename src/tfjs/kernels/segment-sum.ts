import * as tf from '@tensorflow/tfjs-core';
import { checkFit } from './checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/**
 * `UnsortedSegmentSum`, the gradient of `gather`: row i of `x` is added to row `segmentIds[i]` of the output. Rows whose
 * id is not a segment are ignored.
 */
export const unsortedSegmentSum: Kernel = ({ inputs, attrs, backend }) => {
  const { x, segmentIds } = inputs;
  const { numSegments } = attrs as { numSegments: number };
  const axes = segmentIds.shape.length;
  const fits = tf.util.arraysEqual(segmentIds.shape, x.shape.slice(0, axes));
  checkFit('UnsortedSegmentSum', fits, `ids [${segmentIds.shape}] do not fit x [${x.shape}]`);

  const row = x.shape.slice(axes);
  const size = tf.util.sizeFromShape(row);
  const out = (backend as WasmBackend).makeOutput([numSegments, ...row], x.dtype === 'int32' ? 'int32' : 'float32');
  const [values, ids, sums] = valuesOf(backend, x, segmentIds, out);
  sums.fill(0);
  for (let i = 0; i < ids.length; i++) {
    if (!(ids[i] >= 0 && ids[i] < numSegments)) continue;
    const from = i * size;
    const to = ids[i] * size;
    for (let j = 0; j < size; j++) sums[to + j] += values[from + j];
  }
  return out;
};
