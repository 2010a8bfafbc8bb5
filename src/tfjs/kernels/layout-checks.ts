import * as tf from '@tensorflow/tfjs-core';
import { checkFit, checkRank } from './checks.js';

/**
 * Compares the tensors of a kernel that moves values with its attributes. TF.js's ops do that, its kernels do not: called
 * with what does not fit, they write beyond their output.
 *
 * @throws FerError `SHAPE` when they do not fit.
 */
export function checkLayout(name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown>): void {
  CHECKS[name]?.(name, inputs, attrs);
}

type Check = (name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown>) => void;

const CHECKS: Record<string, Check> = {
  Transpose(name, { x }, attrs) {
    const perm = attrs.perm as number[];
    const axes = [...perm].sort((a, b) => a - b);
    const fits = axes.length === x.shape.length && axes.every((axis, i) => axis === i);
    checkFit(name, fits, `[${perm}] is no order of the axes of [${x.shape}]`);
  },
  Reverse: (name, { x }, attrs) => checkAxes(name, x, (attrs.dims ?? []) as number | number[]),
  PadV2(name, { x }, attrs) {
    const paddings = attrs.paddings as number[][];
    const fits = paddings.length === x.shape.length && paddings.flat().every((n) => n >= 0);
    checkFit(name, fits, `paddings [${paddings.map((pair) => `[${pair}]`)}] do not fit [${x.shape}]`);
  },
  Tile: (name, { x }, attrs) => checkRank(name, 'x', x, (attrs.reps as number[]).length),
  Unpack: (name, { value }, attrs) => checkAxes(name, value, attrs.axis as number),
  SplitV(name, { x }, attrs) {
    checkAxes(name, x, attrs.axis as number);
    const [axis] = tf.util.parseAxisParam(attrs.axis as number, x.shape);
    tf.backend_util.prepareSplitSize(x, attrs.numOrSizeSplits as number | number[], axis);
  },
  Concat(name, inputs, attrs) {
    const tensors = Object.values(inputs);
    const axis = attrs.axis as number;
    for (const x of tensors) {
      checkAxes(name, x, axis);
      checkFit(name, likeFirst(x, tensors[0], axis), `[${x.shape}] cannot follow [${tensors[0].shape}]`);
    }
  },
  Pack(name, inputs) {
    const tensors = Object.values(inputs);
    for (const x of tensors) {
      checkFit(name, likeFirst(x, tensors[0]), `[${x.shape}] cannot lie beside [${tensors[0].shape}]`);
    }
  },
  StridedSlice(name, { x }, attrs) {
    const masks = (attrs.ellipsisMask as number) || (attrs.newAxisMask as number);
    const longest = masks ? Number.POSITIVE_INFINITY : x.shape.length;
    checkFit(name, (attrs.begin as number[]).length <= longest, `more bounds than axes of [${x.shape}]`);
  },
  SparseToDense(name, { sparseIndices, sparseValues, defaultValue }, attrs) {
    const outputShape = attrs.outputShape as number[];
    const axes = sparseIndices.shape[1] ?? 1;
    const places = sparseIndices.size / axes;
    checkFit(name, sparseIndices.dtype === 'int32', `indices are of ${sparseIndices.dtype}`);
    const fits = axes === outputShape.length && (sparseValues.size === 1 || sparseValues.size === places);
    const shapes = `indices [${sparseIndices.shape}] and values [${sparseValues.shape}]`;
    checkFit(name, fits && sparseIndices.shape.length <= 2, `${shapes} do not fit [${outputShape}]`);
    const within = [...sparseIndices.dataSync()].every((index, i) => index >= 0 && index < outputShape[i % axes]);
    checkFit(name, within, `an index lies outside [${outputShape}]`);
    checkFit(name, defaultValue.size === 1, `the default has shape [${defaultValue.shape}]`);
  },
  GatherV2: (name, { indices }) => checkFit(name, indices.dtype === 'int32', `indices are of ${indices.dtype}`),
};

function checkAxes(name: string, x: tf.Tensor, axes: number | number[]): void {
  const rank = x.shape.length;
  const within = [axes].flat().every((axis) => axis >= -rank && axis < rank);
  checkFit(name, within, `axis ${axes} lies outside shape [${x.shape}]`);
}

/** Whether two shapes are the same, apart from one axis. */
function likeFirst(x: tf.Tensor, first: tf.Tensor, except?: number): boolean {
  const at = except !== undefined && except < 0 ? except + first.shape.length : except;
  return x.shape.length === first.shape.length && x.shape.every((size, i) => i === at || size === first.shape[i]);
}
