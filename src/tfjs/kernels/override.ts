import * as tf from '@tensorflow/tfjs-core';
import { FerError } from '../../errors.js';
import { settle } from './deferred.js';

/** The arguments of a kernel: the tensors by name and the op's attributes. */
export interface KernelCall {
  /** Name of the kernel that is called. */
  name: string;
  /** The tensors by name; absent ones are undefined. */
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
  backend: unknown;
}

/** One tensor, or several if an op has several outputs. */
export type KernelOutput = tf.TensorInfo | tf.TensorInfo[];

/** A kernel of ours; `plain` runs the kernel that it replaces. Its intermediate tensors are disposed. */
export type Kernel = (call: KernelCall, plain: () => KernelOutput) => KernelOutput;

const ours = new Map<string, tf.KernelConfig>();
const overridden = new Set<string>();

/** Kernels that take tensors whose values are not computed yet. All others get the values. */
const TAKE_DEFERRED = new Set([
  ...['Add', 'Relu', 'Relu6', 'Identity', 'Reshape'],
  ...['FerReluGradient', 'FerClipGradient', 'FerBatchNormTrainingGradient'],
]);

/** Names of the kernels that are ours, in the place of the wasm backend's own or in an empty place. */
export function overriddenKernels(): string[] {
  return [...overridden];
}

/**
 * Registers a kernel of ours on the wasm backend, in place of the backend's own if it has one. Ours can still call the replaced
 * kernel. Registering the same kernel again changes nothing.
 */
export function override(kernelName: string, kernel: Kernel, setup?: (backend: unknown) => void): void {
  overridden.add(kernelName);
  replace(kernelName, setup, (args, plain) => {
    const { inputs, backend, attrs } = args;
    const call = { name: kernelName, inputs, attrs: attrs ?? {}, backend } as unknown as KernelCall;
    const engine = tf.engine();
    engine.startScope();
    let result: KernelOutput | undefined;
    try {
      result = kernel(call, plain);
    } finally {
      engine.endScope(result as tf.Tensor);
    }
    return result;
  });
}

/** Keeps a kernel of the wasm backend, but turns its traps into FerErrors. */
export function guard(kernelName: string): void {
  replace(kernelName, undefined, (_, plain) => plain());
}

type KernelArguments = Parameters<tf.KernelFunc>[0];

function replace(
  kernelName: string,
  setup: ((backend: unknown) => void) | undefined,
  run: (args: KernelArguments, plain: () => KernelOutput) => KernelOutput,
): void {
  const present: ReplacingKernel | undefined = tf.getKernel(kernelName, 'wasm');
  if (isInUse(kernelName, present)) return;

  const config: ReplacingKernel = {
    [REPLACED]: present,
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
        if (!TAKE_DEFERRED.has(kernelName))
          settle(args.backend, args.inputs as Record<string, tf.TensorInfo | undefined>);
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

/** Another copy of this package has the same symbol. */
const REPLACED = Symbol.for('fer-dcnn.replacedKernel');

interface ReplacingKernel extends tf.KernelConfig {
  [REPLACED]?: ReplacingKernel;
}

/** Whether a kernel is ours, or calls ours: two copies of this package would replace each other's at every start of the backend. */
function isInUse(kernelName: string, present: ReplacingKernel | undefined): boolean {
  const mine = ours.get(kernelName);
  for (let each = present; each !== undefined; each = each[REPLACED]) if (each === mine) return true;
  return false;
}

function shapesOf(inputs: object): string {
  const given = Object.entries(inputs as Record<string, tf.TensorInfo | undefined>);
  const shapes = given.flatMap(([name, x]) => (x === undefined ? [] : [`${name} [${x.shape}] of ${x.dtype}`]));
  return shapes.join(', ') || 'no tensors';
}
