import type { layers } from '@tensorflow/tfjs-layers';
import { FerError } from '../errors.js';
import type { AttributeValue, OnnxGraph } from './onnx-graph.js';

type Layer = layers.Layer;

/** Appends the operation of a TF.js layer to a graph. */
export type LayerWriter = (graph: OnnxGraph, layer: Layer) => void;

/** The supported layers, by TF.js's class names. */
export const LAYER_WRITERS: Readonly<Record<string, LayerWriter>> = {
  InputLayer: nothing,
  Dropout: nothing,
  SpatialDropout1D: nothing,
  GaussianNoise: nothing,
  GaussianDropout: nothing,
  AlphaDropout: nothing,
  Conv2D: convolution,
  DepthwiseConv2D: depthwiseConvolution,
  MaxPooling2D: (graph, layer) => pooling(graph, layer, 'MaxPool'),
  AveragePooling2D: (graph, layer) => pooling(graph, layer, 'AveragePool'),
  GlobalMaxPooling2D: (graph) => globalPooling(graph, 'GlobalMaxPool'),
  GlobalAveragePooling2D: (graph) => globalPooling(graph, 'GlobalAveragePool'),
  BatchNormalization: batchNormalization,
  ZeroPadding2D: zeroPadding,
  Flatten: flatten,
  Reshape: reshape,
  Dense: dense,
  Activation: (graph, layer) => activation(graph, layer),
  ReLU: reLU,
  LeakyReLU: (graph, layer) => graph.add('LeakyRelu', { alpha: { float: number(layer, 'alpha', 0.3) } }),
  ELU: (graph, layer) => graph.add('Elu', { alpha: { float: number(layer, 'alpha', 1) } }),
  Softmax: softmaxLayer,
};

/** The config of a layer. */
type Config = Record<string, unknown>;

function nothing(): void {}

function convolution(graph: OnnxGraph, layer: Layer): void {
  const { values, shape } = weightOf(layer, 'kernel');
  const [height, width, inputs, outputs] = shape;
  graph.arrange('first');
  const kernel = permuted(values, shape, [3, 2, 0, 1]);
  const weights = [graph.weights(`${layer.name}_kernel`, [outputs, inputs, height, width], kernel)];
  graph.add('Conv', windows(layer, [height, width]), [...weights, ...bias(graph, layer)]);
  activation(graph, layer);
}

function depthwiseConvolution(graph: OnnxGraph, layer: Layer): void {
  const { values, shape } = weightOf(layer, 'depthwise_kernel');
  const [height, width, inputs, multiplier] = shape;
  graph.arrange('first');
  const kernel = permuted(values, shape, [2, 3, 0, 1]);
  const weights = [graph.weights(`${layer.name}_kernel`, [inputs * multiplier, 1, height, width], kernel)];
  graph.add('Conv', { ...windows(layer, [height, width]), group: inputs }, [...weights, ...bias(graph, layer)]);
  activation(graph, layer);
}

function pooling(graph: OnnxGraph, layer: Layer, opType: string): void {
  graph.arrange('first');
  graph.add(opType, windows(layer, pair(configOf(layer).poolSize as number)));
}

function globalPooling(graph: OnnxGraph, opType: string): void {
  graph.arrange('first');
  graph.add(opType);
  graph.add('Flatten', { axis: 1 });
  graph.channelsFirst = false;
}

function batchNormalization(graph: OnnxGraph, layer: Layer): void {
  const axis = number(layer, 'axis', -1);
  const rank = rankOf(layer);
  if (axis !== -1 && axis !== rank - 1) throw unsupported(layer, `axis ${axis}`);
  if (rank === 4) graph.arrange('first');
  const mean = weightOf(layer, 'moving_mean').values;
  const filled = (value: number) => new Float32Array(mean.length).fill(value);
  const parts = {
    scale: optionalWeight(layer, 'gamma') ?? filled(1),
    shift: optionalWeight(layer, 'beta') ?? filled(0),
    mean,
    variance: weightOf(layer, 'moving_variance').values,
  };
  const weights = Object.entries(parts).map(([name, values]) =>
    graph.weights(`${layer.name}_${name}`, [values.length], values),
  );
  graph.add('BatchNormalization', { epsilon: { float: number(layer, 'epsilon', 1e-3) } }, weights);
}

function zeroPadding(graph: OnnxGraph, layer: Layer): void {
  const padding = configOf(layer).padding as number | [number, number] | [[number, number], [number, number]];
  const [rows, columns] = pair(padding as [number, number]).map((side) => pair(side));
  graph.arrange('first');
  const pads = [0, 0, rows[0], columns[0], 0, 0, rows[1], columns[1]];
  graph.add('Pad', {}, [graph.integers(`${layer.name}_pads`, pads)]);
}

function flatten(graph: OnnxGraph): void {
  graph.arrange('last');
  graph.add('Flatten', { axis: 1 });
}

function reshape(graph: OnnxGraph, layer: Layer): void {
  graph.arrange('last');
  const [, ...shape] = layer.outputShape as number[];
  graph.add('Reshape', {}, [graph.integers(`${layer.name}_shape`, [-1, ...shape])]);
}

function dense(graph: OnnxGraph, layer: Layer): void {
  graph.arrange('last');
  const { values, shape } = weightOf(layer, 'kernel');
  const kernel = graph.weights(`${layer.name}_kernel`, shape, values);
  if (rankOf(layer) === 2) {
    graph.add('Gemm', {}, [kernel, ...bias(graph, layer)]);
  } else {
    graph.add('MatMul', {}, [kernel]);
    const [shift] = bias(graph, layer);
    if (shift !== undefined) graph.add('Add', {}, [shift]);
  }
  activation(graph, layer);
}

function reLU(graph: OnnxGraph, layer: Layer): void {
  const most = configOf(layer).maxValue as number | null | undefined;
  if (most === null || most === undefined) graph.add('Relu');
  else clip(graph, layer, most);
}

function softmaxLayer(graph: OnnxGraph, layer: Layer): void {
  const axis = number(layer, 'axis', -1);
  if (axis !== -1 && axis !== rankOf(layer) - 1) throw unsupported(layer, `axis ${axis}`);
  graph.arrange('last');
  graph.add('Softmax', { axis: -1 });
}

function activation(graph: OnnxGraph, layer: Layer): void {
  const name = String(configOf(layer).activation ?? 'linear');
  const simple: Record<string, [opType: string, attributes?: Record<string, AttributeValue>]> = {
    relu: ['Relu'],
    sigmoid: ['Sigmoid'],
    tanh: ['Tanh'],
    elu: ['Elu', { alpha: { float: 1 } }],
    selu: ['Selu'],
    softplus: ['Softplus'],
    softsign: ['Softsign'],
    hardSigmoid: ['HardSigmoid', { alpha: { float: 0.2 }, beta: { float: 0.5 } }],
    hard_sigmoid: ['HardSigmoid', { alpha: { float: 0.2 }, beta: { float: 0.5 } }],
  };
  if (name === 'linear') return;
  if (Object.hasOwn(simple, name)) graph.add(...simple[name]);
  else if (name === 'relu6') clip(graph, layer, 6);
  else if (name === 'swish') graph.add('Mul', {}, [graph.node('Sigmoid', [graph.value])]);
  else if (name === 'softmax') {
    graph.arrange('last');
    graph.add('Softmax', { axis: -1 });
  } else throw unsupported(layer, `activation ${name}`);
}

// --- and what they share ---

function clip(graph: OnnxGraph, layer: Layer, most: number): void {
  graph.add('Clip', {}, [graph.scalar(`${layer.name}_least`, 0), graph.scalar(`${layer.name}_most`, most)]);
}

/** Strides, dilation and padding of a layer with a window of `size`. */
function windows(layer: Layer, size: readonly number[]): Record<string, AttributeValue> {
  const { strides, padding, dilationRate, dataFormat } = configOf(layer);
  if (dataFormat === 'channelsFirst' || dataFormat === 'channels_first') throw unsupported(layer, 'channelsFirst');
  const dilation = pair((dilationRate as number | undefined) ?? 1);
  return {
    kernel_shape: size,
    strides: pair((strides as number | undefined) ?? 1),
    // TF.js, like ONNX's SAME_UPPER, puts the odd pixel at the end.
    auto_pad: { text: padding === 'same' ? 'SAME_UPPER' : 'VALID' },
    ...(dilation.some((rate) => rate !== 1) && { dilations: dilation }),
  };
}

function bias(graph: OnnxGraph, layer: Layer): string[] {
  const values = optionalWeight(layer, 'bias');
  return values === undefined ? [] : [graph.weights(`${layer.name}_bias`, [values.length], values)];
}

function configOf(layer: Layer): Config {
  return layer.getConfig() as Config;
}

function number(layer: Layer, field: string, otherwise: number): number {
  return (configOf(layer)[field] as number | null | undefined) ?? otherwise;
}

function pair<T>(value: T | readonly T[]): T[] {
  return Array.isArray(value) ? [...value] : [value as T, value as T];
}

function rankOf(layer: Layer): number {
  return (layer.outputShape as number[]).length;
}

function weightOf(layer: Layer, name: string): { values: Float32Array; shape: number[] } {
  const weight = layer.weights.find(({ originalName }) => originalName.split('/').at(-1)?.startsWith(name));
  if (weight === undefined) throw unsupported(layer, `no weight named ${name}`);
  const tensor = weight.read();
  return { values: new Float32Array(tensor.dataSync<'float32'>()), shape: tensor.shape };
}

function optionalWeight(layer: Layer, name: string): Float32Array | undefined {
  const there = layer.weights.some(({ originalName }) => originalName.split('/').at(-1)?.startsWith(name));
  return there ? weightOf(layer, name).values : undefined;
}

/** Transposes values: axis `order[k]` becomes axis k. */
function permuted(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const out = new Float32Array(values.length);
  const at = sizes.map(() => 0);
  for (let k = 0; k < out.length; k++) {
    out[k] = values[at.reduce((from, index, axis) => from + index * steps[axis], 0)];
    for (let axis = sizes.length - 1; axis >= 0 && ++at[axis] === sizes[axis]; axis--) at[axis] = 0;
  }
  return out;
}

function unsupported(layer: Layer, what: string): FerError {
  return new FerError(
    'MODEL',
    `the layer ${layer.name} (${layer.getClassName()}) cannot be converted to ONNX: ${what}`,
  );
}
