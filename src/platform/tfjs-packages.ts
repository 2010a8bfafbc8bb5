/** The packages of TF.js that a synchronous function needs: `#tfjs` gives them. */
export interface Tfjs {
  core: typeof import('@tensorflow/tfjs-core');
  layers: typeof import('@tensorflow/tfjs-layers');
  cpu: typeof import('@tensorflow/tfjs-backend-cpu');
}
