/** A model made ready to run on one backend. */
export interface Predictor {
  /**
   * @param inputs - Normalised inputs, shape [n,height,width,channels] flattened.
   * @returns Outputs, shape [n,classes] flattened; the caller's to keep.
   */
  predict(inputs: Float32Array, n: number): Promise<Float32Array>;
  dispose(): void;
}
