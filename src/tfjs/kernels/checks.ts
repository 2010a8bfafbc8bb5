import * as tf from '@tensorflow/tfjs-core';
import { FerError } from '../../errors.js';

/**
 * Checks the shape of a tensor. Native kernels trust the sizes that they are given, so every tensor is checked first.
 *
 * @param kernel - Name of the kernel, for the message.
 * @param name - Name of the tensor in it.
 * @throws FerError `SHAPE` when the tensor has another shape.
 */
export function checkShape(kernel: string, name: string, tensor: tf.TensorInfo, shape: number[]): void {
  if (tf.util.arraysEqual(tensor.shape, shape)) return;
  throw new FerError('SHAPE', `${kernel}: ${name} has shape [${tensor.shape}], expected [${shape}]`);
}

/** @throws FerError `SHAPE` when the tensor has another number of axes. */
export function checkRank(kernel: string, name: string, tensor: tf.TensorInfo, rank: number): void {
  if (tensor.shape.length === rank) return;
  throw new FerError('SHAPE', `${kernel}: ${name} has shape [${tensor.shape}], expected ${rank} axes`);
}

/** @throws FerError `SHAPE` when `fits` is false. */
export function checkFit(kernel: string, fits: boolean, message: string): asserts fits {
  if (!fits) throw new FerError('SHAPE', `${kernel}: ${message}`);
}

/** The tensor as float32, the only type that the native kernels read. */
export function asFloats<T extends tf.Tensor>(tensor: T): T {
  return tensor.dtype === 'float32' ? tensor : tf.cast(tensor, 'float32');
}
