/** The last layer of a network whose number of classes is not five; five is built into the engines. */
export interface ClassHead {
  classes: number;
  /**
   * Dense and softmax, of one face. Sums are in double.
   *
   * @param hidden - Output of the first dense layer, [256] from index `from`.
   * @param out - Receives the probabilities, [classes] from index `to`.
   */
  run(hidden: ArrayLike<number>, from: number, out: Float32Array, to: number): void;
}

/**
 * Makes the last layer from its weights.
 *
 * @param kernel - Shape [256,classes].
 * @param bias - Shape [classes].
 */
export function classHead(kernel: Float32Array, bias: Float32Array): ClassHead {
  const classes = bias.length;
  const inputs = kernel.length / classes;
  const logits = new Float64Array(classes);
  return {
    classes,
    run(hidden, from, out, to) {
      logits.set(bias);
      for (let k = 0; k < inputs; k++) {
        const value = hidden[from + k];
        if (value <= 0) continue; // the plain TypeScript network leaves ReLU to the reader of its output
        for (let c = 0; c < classes; c++) logits[c] += value * kernel[k * classes + c];
      }
      let top = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < classes; c++) top = Math.max(top, logits[c]);
      let total = 0;
      for (let c = 0; c < classes; c++) {
        logits[c] = Math.exp(logits[c] - top);
        total += logits[c];
      }
      for (let c = 0; c < classes; c++) out[to + c] = logits[c] / total;
    },
  };
}
