import * as tf from '@tensorflow/tfjs-core';
import { FerError } from '../../errors.js';

/** What a kernel gets: the tensors by name and the op's attributes. */
export interface KernelCall {
  /** Name of the kernel that is called. */
  name: string;
  /** The tensors by name; absent ones are undefined. */
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
  backend: unknown;
}

/** One tensor, or several where an op has several outputs. */
export type KernelOutput = tf.TensorInfo | tf.TensorInfo[];

/** A kernel of ours; `plain` runs the one that it stands in for. What it makes on the way is disposed of. */
export type Kernel = (call: KernelCall, plain: () => KernelOutput) => KernelOutput;

const ours = new Map<string, tf.KernelConfig>();

/**
 * Puts a kernel of ours in the place of the wasm backend's own, or in an empty place. Ours may still call the one it
 * replaced. Calling again with a kernel that is in place changes nothing.
 */
export function override(kernelName: string, kernel: Kernel, setup?: (backend: unknown) => void): void {
  replace(kernelName, setup, (args, plain) => {
    const call = { ...args, attrs: args.attrs ?? {}, name: kernelName } as unknown as KernelCall;
    return tf.tidy(() => kernel(call, plain) as tf.Tensor);
  });
}

/** Leaves a kernel of the wasm backend as it is, but for its traps: they become errors of ours. */
export function guard(kernelName: string): void {
  replace(kernelName, undefined, (_, plain) => plain());
}

type KernelArguments = Parameters<tf.KernelFunc>[0];

function replace(
  kernelName: string,
  setup: ((backend: unknown) => void) | undefined,
  run: (args: KernelArguments, plain: () => KernelOutput) => KernelOutput,
): void {
  const present = tf.getKernel(kernelName, 'wasm');
  if (present !== undefined && present === ours.get(kernelName)) return;

  const config: tf.KernelConfig = {
    kernelName,
    backendName: 'wasm',
    setupFunc(backend) {
      present?.setupFunc?.(backend);
      setup?.(backend);
    },
    kernelFunc(args) {
      const plain = () => {
        if (present === undefined) throw new Error(`the wasm backend has no ${kernelName} for these tensors`);
        return present.kernelFunc(args);
      };
      try {
        return run(args, plain);
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        throw new FerError('KERNEL', `${kernelName} cannot work on ${shapesOf(args.inputs)}: ${error.message}`, {
          cause: error,
        });
      }
    },
  };
  if (present !== undefined) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel(config);
  ours.set(kernelName, config);
}

function shapesOf(inputs: object): string {
  const given = Object.entries(inputs as Record<string, tf.TensorInfo | undefined>);
  const shapes = given.flatMap(([name, x]) => (x === undefined ? [] : [`${name} [${x.shape}] of ${x.dtype}`]));
  return shapes.join(', ') || 'no tensors';
}
