import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { adamStep } from '../../src/tfjs/kernels/adam.js';
import { dropout } from '../../src/tfjs/kernels/dropout.js';

export interface Network {
  /** One training step; its time in ms. */
  step(): number;
  dispose(): void;
}

/**
 * The exact network (two convolutions, two dense layers, dropout 0.2) on random faces, with Adam and categorical
 * cross-entropy, as TF.js Layers builds it.
 *
 * @param own - Whether this package's dropout and Adam run, or TF.js's.
 */
export function network(batch: number, own: boolean, filters = 32): Network {
  const { conv2d, dense, flatten, maxPooling2d } = tfl.layers;
  const convolution = (inputShape?: number[]) =>
    conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...(inputShape && { inputShape }) });
  const blocks = [
    [convolution([32, 32, 1]), maxPooling2d({ poolSize: 2 })],
    [convolution(), maxPooling2d({ poolSize: 2 })],
    [flatten(), dense({ units: 256, activation: 'relu' }), dense({ units: 5 })],
  ];
  const model = tfl.sequential({ layers: blocks.flat() });
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const variables = weights.map((weight) => tf.engine().registeredVariables[weight.name] ?? weight);
  const [means, squares] = [0, 1].map(() => variables.map((variable) => tf.zerosLike(variable)));
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-7);
  const xs = tf.randomUniform([batch, 32, 32, 1], 0, 1, 'float32', 1);
  const labels = Array.from({ length: batch }, (_, i) => i % 5);
  const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), 5));

  let count = 0;
  const forward = () => {
    let x: tf.Tensor = xs;
    blocks.forEach((layers, block) => {
      for (const layer of layers) x = layer.apply(x, { training: true }) as tf.Tensor;
      if (block < 2) x = own ? dropout(x, 0.2, 2 * count + block) : tf.dropout(x, 0.2);
    });
    return x;
  };
  const step = () => {
    const start = performance.now();
    count++;
    tf.tidy(() => {
      const loss = () => tf.losses.softmaxCrossEntropy(ys, forward()) as tf.Scalar;
      const { value, grads } = tf.variableGrads(loss, variables);
      if (own) {
        variables.forEach((variable, i) => {
          adamStep(variable, grads[variable.name], means[i], squares[i], { learningRate: 1e-3, step: count });
        });
      } else {
        optimizer.applyGradients(grads as Record<string, tf.Variable>);
      }
      value.dataSync();
    });
    return performance.now() - start;
  };
  const dispose = () => {
    model.dispose();
    optimizer.dispose();
    tf.dispose([means, squares, xs, ys]);
  };
  return { step, dispose };
}
