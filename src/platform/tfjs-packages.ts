/** The TF.js packages for synchronous functions, provided by `#tfjs`. */
export interface Tfjs {
  core: typeof import('@tensorflow/tfjs-core');
  layers: typeof import('@tensorflow/tfjs-layers');
  cpu: typeof import('@tensorflow/tfjs-backend-cpu');
}
