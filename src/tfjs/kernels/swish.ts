import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkShape } from './checks.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import { nestedGradients } from './nested-gradients.js';
import type { Kernel } from './override.js';

/** `FerSwish`, a kernel of our own: x * sigmoid(x) in one pass. */
export const swish: Kernel = ({ inputs, backend }) => {
  const x = asFloats(inputs.x);
  const native = nativeOn(backend);
  if (native === null) return composed(x);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.swish(addressOf(backend, x), addressOf(backend, out), x.size);
  return out;
};

/** `FerSwishGradient`, a kernel of our own: `dy` times the slope of `FerSwish` at `x`. */
export const swishGradient: Kernel = ({ inputs, backend }) => {
  checkShape('FerSwishGradient', 'dy', inputs.dy, inputs.x.shape);
  const [x, dy] = [inputs.x, inputs.dy].map(asFloats);
  const native = nativeOn(backend);
  if (native === null) return composedGradient(x, dy);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.swishGradient(addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out), x.size);
  return out;
};

/** Gradients of the two kernels; the second one's is for penalties on gradients. */
export const swishGradients: tf.GradConfig[] = [
  {
    kernelName: 'FerSwish',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({
      x: () => tf.engine().runKernel('FerSwishGradient', { x, dy: dy as tf.Tensor }) as tf.Tensor,
    }),
  },
  {
    kernelName: 'FerSwishGradient',
    inputsToSave: ['x', 'dy'],
    gradFunc(ddx, saved) {
      const weighted = (x: tf.Tensor, dy: tf.Tensor) =>
        tf.sum(tf.mul(composedGradient(x, dy), ddx as tf.Tensor)) as tf.Scalar;
      const [x, dy] = nestedGradients(weighted, saved);
      return { x: () => x, dy: () => dy };
    },
  },
];

function composed(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.sigmoid(x));
}

function composedGradient(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const share = tf.sigmoid(x);
  return tf.mul(dy, tf.mul(share, tf.add(tf.mul(x, tf.sub(1, share)), 1)));
}
