import * as tf from '@tensorflow/tfjs-core';
import { addressOf, nativeOn, type WasmBackend } from './native.js';

/**
 * Makes two layers and an activation of TF.js train faster on the wasm backend. They do not change on other backends or in prediction.
 * Batch normalization becomes one kernel forward and one backward. A convolution runs without its fused kernel, because the
 * gradient of that kernel always includes the gradient of the input, which the first layer of a network does not need. The
 * activation `swish` is one kernel forward and one backward. Does nothing if TF.js's layers are not imported.
 */
export function registerLayers(): void {
  change<BatchNormalization>('BatchNormalization', normalizeInTraining);
  change<Conv2D>('Conv2D', convolveInTraining);
  changeSwish();
}

function changeSwish(): void {
  const prototype = prototypeOf<{ apply(x: tf.Tensor, alpha?: number): tf.Tensor }>('swish');
  if (prototype === undefined || changed.has(prototype)) return;
  changed.add(prototype);
  const { apply: plain } = prototype;
  prototype.apply = function (x, alpha = 1) {
    const native = tf.getBackend() === 'wasm' && nativeOn(tf.backend()) !== null;
    if (!native || alpha !== 1 || x.dtype !== 'float32') return plain.call(this, x, alpha);
    return tf.engine().runKernel('FerSwish', { x }) as tf.Tensor;
  };
}

/** What the objects of a class of TF.js's layers have in common, if the class is there. */
function prototypeOf<T extends object>(name: string): T | undefined {
  const { classNameMap } = tf.serialization.SerializationMap.getMap() as unknown as {
    classNameMap: Record<string, [{ prototype: T }, unknown] | undefined>;
  };
  return classNameMap[name]?.[0].prototype;
}

/** `call` returns null if the layer's own code must run. */
function change<T extends Layer>(
  name: string,
  call: (layer: T, x: tf.Tensor, options: CallOptions) => tf.Tensor | null,
) {
  const prototype = prototypeOf<T>(name);
  if (prototype?.call === undefined || changed.has(prototype)) return;
  changed.add(prototype);
  const { call: plain } = prototype;
  prototype.call = function (inputs, options) {
    const tensors = [inputs].flat();
    const own = tensors.length === 1 && tf.getBackend() === 'wasm' ? call(this as T, tensors[0], options) : null;
    return own ?? plain.call(this, inputs, options);
  };
}

const changed = new WeakSet<object>();

interface CallOptions {
  training?: boolean;
}

interface Layer {
  call(inputs: tf.Tensor | tf.Tensor[], options: CallOptions): tf.Tensor | tf.Tensor[];
}

/** The fields of TF.js's layer that are used here; some are not public. */
interface BatchNormalization extends Layer {
  axis: number;
  momentum: number;
  epsilon: number;
  gamma?: LayerVariable;
  beta?: LayerVariable;
  movingMean: LayerVariable;
  movingVariance: LayerVariable;
}

interface Conv2D extends Layer {
  kernel: LayerVariable;
  bias: LayerVariable | null;
  strides: [number, number];
  padding: string;
  dataFormat: string;
  dilationRate: [number, number];
  activation: { apply(x: tf.Tensor): tf.Tensor } | null;
  invokeCallHook(inputs: tf.Tensor, options: CallOptions): void;
}

interface LayerVariable {
  read(): tf.Tensor;
  write(value: tf.Tensor): unknown;
}

function normalizeInTraining(layer: BatchNormalization, x: tf.Tensor, { training }: CallOptions): tf.Tensor | null {
  if (!training || nativeOn(tf.backend()) === null) return null;
  const { axis, gamma, beta, movingMean, movingVariance, epsilon, momentum } = layer;
  const last = axis === -1 || axis === x.rank - 1;
  if (!last || x.rank < 2 || x.size === 0 || x.dtype !== 'float32') return null;

  return tf.tidy(() => {
    const columns = x.shape[x.rank - 1];
    const scale = gamma?.read() ?? tf.ones([columns]);
    const offset = beta?.read() ?? tf.zeros([columns]);
    const [y, mean, variance] = tf
      .engine()
      .runKernel('FerBatchNormTraining', { x, scale, offset }, { varianceEpsilon: epsilon }) as unknown as tf.Tensor[];
    move(movingMean, mean, momentum);
    move(movingVariance, variance, momentum);
    return y;
  });
}

function convolveInTraining(layer: Conv2D, x: tf.Tensor, options: CallOptions): tf.Tensor | null {
  const { strides, padding, dataFormat, dilationRate, kernel, bias, activation } = layer;
  const pad = padding === 'same' || padding === 'valid' ? padding : null;
  if (tf.engine().state.gradientDepth === 0 || x.rank !== 4 || dataFormat !== 'channelsLast' || pad === null)
    return null;

  return tf.tidy(() => {
    layer.invokeCallHook(x, options);
    const filter = kernel.read() as tf.Tensor4D;
    const convolved = tf.conv2d(x as tf.Tensor4D, filter, strides, pad, 'NHWC', dilationRate);
    const biased = bias == null ? convolved : tf.add(convolved, bias.read());
    return activation == null ? biased : activation.apply(biased);
  });
}

function move(average: LayerVariable, value: tf.Tensor, momentum: number): void {
  const backend = tf.backend() as unknown as WasmBackend;
  const old = average.read();
  const out = backend.makeOutput(old.shape, 'float32');
  const [from, by, to] = [old, value, out].map((tensor) => addressOf(backend, tensor));
  nativeOn(backend)!.moveAverage(from, by, to, old.size, 1 - momentum);
  average.write(tf.engine().makeTensorFromTensorInfo(out));
}
