import * as tf from '@tensorflow/tfjs-core';
import { adamStep } from '../kernels/adam.js';

export interface AdamOptions {
  /**
   * Decay of the mean of gradients.
   * @default 0.9
   */
  beta1?: number;
  /**
   * Decay of the mean of squared gradients.
   * @default 0.999
   */
  beta2?: number;
  /**
   * Added to the root, to avoid division by zero.
   * @default 1e-7
   */
  epsilon?: number;
  /**
   * Decoupled weight decay: weights of rank 2 and more shrink by learning rate times this each step.
   * @default 0
   */
  weightDecay?: number;
}

/** The numbers of one step. */
export interface AdamStep {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** 1 / (1 - beta1^t) */
  meanScale: number;
  /** 1 / (1 - beta2^t) */
  squareScale: number;
  /** 1 - learningRate * weightDecay, for weights of rank 2 and more. */
  decay: number;
}

/**
 * Adam (Kingma and Ba, 2015, algorithm 1) with decoupled weight decay (Loshchilov and Hutter, "AdamW", 2019):
 * m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= lr ((m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + decay w).
 *
 * Unlike in TF.js's Adam, the full state can be saved and restored, so that a resumed training continues bit for bit.
 */
export class Adam {
  /** Steps taken. */
  steps = 0;
  readonly #variables: readonly tf.Variable[];
  readonly #means: tf.Variable[];
  readonly #squares: tf.Variable[];
  readonly #options: Required<AdamOptions>;

  constructor(variables: readonly tf.Variable[], options: AdamOptions = {}) {
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0 } = options;
    this.#options = { beta1, beta2, epsilon, weightDecay };
    this.#variables = variables;
    const zeros = () => variables.map((variable) => tf.tidy(() => tf.variable(tf.zeros(variable.shape), false)));
    this.#means = zeros();
    this.#squares = zeros();
  }

  /** Counts a step and returns its numbers, so that it can be done elsewhere, on the moments of {@link state}. */
  nextStep(learningRate: number): AdamStep {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    this.steps++;
    const meanScale = 1 / (1 - beta1 ** this.steps);
    const squareScale = 1 / (1 - beta2 ** this.steps);
    return { learningRate, beta1, beta2, epsilon, meanScale, squareScale, decay: 1 - learningRate * weightDecay };
  }

  /** Makes one step. `gradients` maps variable names to tensors of the variable's shape; the caller disposes them. */
  step(gradients: Readonly<Record<string, tf.Tensor>>, learningRate: number): void {
    const { weightDecay } = this.#options;
    const { beta1, beta2, epsilon, meanScale, squareScale } = this.nextStep(learningRate);
    this.#variables.forEach((variable, i) => {
      const gradient = gradients[variable.name];
      const decay = variable.rank > 1 ? weightDecay : 0;
      const mean = this.#means[i];
      const square = this.#squares[i];
      const settings = { learningRate, beta1, beta2, epsilon, weightDecay: decay, step: this.steps };
      tf.tidy(() => {
        if (adamStep(variable, gradient, mean, square, settings)) return;
        mean.assign(tf.add(tf.mul(mean, beta1), tf.mul(gradient, 1 - beta1)));
        square.assign(tf.add(tf.mul(square, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
        const root = tf.add(tf.sqrt(tf.mul(square, squareScale)), epsilon);
        const change = tf.mul(tf.div(mean, root), -learningRate * meanScale);
        const kept = decay === 0 ? variable : tf.mul(variable, 1 - learningRate * decay);
        variable.assign(tf.add(kept, change));
      });
    });
  }

  /** The moments, means first, in the order of the variables: saved together with {@link steps}. */
  state(): tf.Variable[] {
    return [...this.#means, ...this.#squares];
  }

  dispose(): void {
    for (const variable of this.state()) variable.dispose();
  }
}
