import * as tf from '@tensorflow/tfjs-core';
import { FerError } from '../../errors.js';

/**
 * Native kernels read and write memory by the sizes that they are told: every tensor is compared with them first.
 *
 * @param kernel - Name of the kernel, for the message.
 * @param name - Name of the tensor in it.
 * @throws FerError `SHAPE` when the tensor has another shape.
 */
export function checkShape(kernel: string, name: string, tensor: tf.TensorInfo, shape: number[]): void {
  if (tf.util.arraysEqual(tensor.shape, shape)) return;
  throw new FerError('SHAPE', `${kernel}: ${name} has shape [${tensor.shape}], [${shape}] was expected`);
}

/** @throws FerError `SHAPE` when the tensor has another number of axes. */
export function checkRank(kernel: string, name: string, tensor: tf.TensorInfo, rank: number): void {
  if (tensor.shape.length === rank) return;
  throw new FerError('SHAPE', `${kernel}: ${name} has shape [${tensor.shape}], ${rank} axes were expected`);
}

/** @throws FerError `SHAPE` when `fits` is false. */
export function checkFit(kernel: string, fits: boolean, message: string): asserts fits {
  if (!fits) throw new FerError('SHAPE', `${kernel}: ${message}`);
}

/** The tensor as float32; kernels that read memory take nothing else. */
export function asFloats<T extends tf.Tensor>(tensor: T): T {
  return tensor.dtype === 'float32' ? tensor : tf.cast(tensor, 'float32');
}
