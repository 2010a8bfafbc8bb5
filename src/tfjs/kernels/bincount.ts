import * as tf from '@tensorflow/tfjs-core';
import { checkShape } from './checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/** `Bincount`: counts, or sums of weights, over all values. TF.js's kernel counts each row separately. */
export const bincount: Kernel = ({ inputs, attrs, backend }) => {
  const { x, weights } = inputs;
  const size = attrs.size as number;
  const weighted = weights.size > 0;
  if (weighted) checkShape('Bincount', 'weights', weights, x.shape);
  const out = (backend as WasmBackend).makeOutput([size], weights.dtype);
  const [values, amounts, sums] = valuesOf(backend, x, weights, out);
  sums.fill(0);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    tf.util.assert(value >= 0, () => 'Input x must be non-negative!');
    if (value < size) sums[value] += weighted ? amounts[i] : 1;
  }
  return out;
};
