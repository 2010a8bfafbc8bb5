/** A model that is ready to run on one backend. */
export interface Predictor {
  /**
   * @param inputs - Normalized inputs, shape [n,height,width,channels] flattened.
   * @returns Outputs, shape [n,classes] flattened; they belong to the caller.
   */
  predict(inputs: Float32Array, n: number): Promise<Float32Array>;
  dispose(): void;
}
