import * as tf from '@tensorflow/tfjs-core';
import { checkShape } from './checks.js';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend } from './native.js';

/**
 * Makes the steps of TF.js's own SGD, momentum, RMSProp and Adam one pass over the wasm backend's memory, with their state updated
 * in place. The results stay the same. Nothing changes on other backends, or where the native kernels do not run.
 */
export function registerOptimizers(): void {
  change(tf.SGDOptimizer, descent);
  change(tf.MomentumOptimizer, momentum);
  change(tf.RMSPropOptimizer, rmsProp);
  change(tf.AdamOptimizer, adam);
}

/** How an optimizer of a class makes a step; some of its fields are not public. */
interface Rule<T> {
  /** Its running means, by the endings of their names. */
  moments(optimizer: T): [ending: string, moments: Moment[]][];
  /** One step of one variable; `addresses` are those of the weights, the gradient, the means and the new weights. */
  step(native: NativeKernels, optimizer: T, addresses: number[], size: number): void;
  /** Called when all variables have been updated. */
  finish?(optimizer: T): void;
}

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

type Gradients = tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[];

interface Optimizer {
  applyGradients(gradients: Gradients): void;
  incrementIterations(): void;
}

const descent: Rule<{ c: tf.Scalar }> = {
  moments: () => [],
  step: (native, { c }, addresses, size) => native.descend(...addresses, size, -c.dataSync()[0]),
};

const momentum: Rule<{ c: tf.Scalar; m: tf.Scalar; useNesterov: boolean; accumulations: Moment[] }> = {
  moments: ({ accumulations }) => [['momentum', accumulations]],
  step(native, { c, m, useNesterov }, addresses, size) {
    native.descendWithMomentum(...addresses, size, -c.dataSync()[0], m.dataSync()[0], Number(useNesterov ?? false));
  },
};

const rmsProp: Rule<{
  learningRate: number;
  decay: number;
  momentum: number;
  epsilon: number;
  centered: boolean;
  accumulatedMeanSquares: Moment[];
  accumulatedMoments: Moment[];
  accumulatedMeanGrads: Moment[];
}> = {
  moments: ({ centered, accumulatedMeanSquares, accumulatedMoments, accumulatedMeanGrads }) => [
    ['rms', accumulatedMeanSquares],
    ['momentum', accumulatedMoments],
    ...(centered ? [['mg', accumulatedMeanGrads] as [string, Moment[]]] : []),
  ],
  step(native, optimizer, addresses, size) {
    const [weight, gradient, square, speed] = addresses;
    const mean = optimizer.centered ? addresses[4] : 0;
    const { learningRate, decay, momentum, epsilon } = optimizer;
    const numbers = [size, learningRate, decay, momentum, epsilon];
    native.rmsProp(weight, gradient, square, speed, mean, addresses[addresses.length - 1], ...numbers);
  },
};

const adam: Rule<{
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  accBeta1: tf.Variable;
  accBeta2: tf.Variable;
  accumulatedFirstMoment: Moment[];
  accumulatedSecondMoment: Moment[];
}> = {
  moments: ({ accumulatedFirstMoment, accumulatedSecondMoment }) => [
    ['m', accumulatedFirstMoment],
    ['v', accumulatedSecondMoment],
  ],
  step(native, { learningRate, beta1, beta2, epsilon, accBeta1, accBeta2 }, addresses, size) {
    const scales = [1 / (1 - accBeta1.dataSync()[0]), 1 / (1 - accBeta2.dataSync()[0])];
    native.adam(...addresses, size, learningRate, beta1, beta2, epsilon, ...scales, 1);
  },
  finish({ beta1, beta2, accBeta1, accBeta2 }) {
    accBeta1.assign(tf.mul(accBeta1, beta1));
    accBeta2.assign(tf.mul(accBeta2, beta2));
  },
};

const changed = new WeakSet<object>();

function change<T>({ prototype }: { prototype: object }, rule: Rule<T>): void {
  if (changed.has(prototype)) return;
  changed.add(prototype);
  const optimizer = prototype as Optimizer;
  const { applyGradients: plain } = optimizer;
  optimizer.applyGradients = function (gradients) {
    const named = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor] as const)
      : Object.entries(gradients);
    const variables = tf.engine().registeredVariables;
    const native = tf.getBackend() === 'wasm' ? nativeOn(tf.backend()) : null;
    const suits = named.every(
      ([name, gradient]) => variables[name].dtype === 'float32' && (gradient == null || gradient.dtype === 'float32'),
    );
    if (native === null || !suits) {
      plain.call(this, gradients);
      return;
    }
    const own = this as Optimizer & T;
    tf.tidy(() => {
      named.forEach(([name, gradient], i) => {
        const value = variables[name];
        const means = rule.moments(own).map(([ending, moments]) => {
          moments[i] ??= momentOf(`${name}/${ending}`, value);
          return moments[i].variable;
        });
        if (gradient == null) return;
        checkShape('applyGradients', `the gradient of ${name}`, gradient, value.shape);
        for (const mean of means) checkShape('applyGradients', `a running mean of ${name}`, mean, value.shape);
        const backend = tf.backend() as unknown as WasmBackend;
        const kept = means.map(ownValues);
        const updated = backend.makeOutput(value.shape, 'float32');
        const addresses = [value, gradient, ...kept, updated].map((tensor) => addressOf(backend, tensor));
        rule.step(native, own, addresses, value.size);
        value.assign(tf.engine().makeTensorFromTensorInfo(updated));
      });
      rule.finish?.(own);
    });
    own.incrementIterations();
  };
}

function momentOf(originalName: string, value: tf.Variable): Moment {
  return { originalName, variable: tf.tidy(() => tf.variable(tf.zerosLike(value), false)) };
}

/** The variable with its own copy of the values: a change in place must not be visible through a clone. */
function ownValues(variable: tf.Variable): tf.Variable {
  if (tf.backend().refCount(variable.dataId) > 1) variable.assign(tf.mul(variable, 1));
  return variable;
}
