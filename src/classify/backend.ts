import type { Predictor } from '../network/predictor.js';
import type { Assets } from '../platform/assets.js';
import type { LayersModelLike } from './layers-model-like.js';

/** What runs a network. Built-in ones are named in {@link BackendName}; `registerBackend` adds a user's own. */
export interface Backend {
  /** The name it is chosen by. */
  readonly name: string;
  /**
   * The TF.js backend that it puts to work, for everything that is computed with tensors (training, evaluation).
   * @default name
   */
  readonly tfjsName?: string;
  /**
   * Makes it ready: loads binaries, registers kernels. Called once before any use, again only after a failure.
   *
   * @throws FerError `BACKEND_UNAVAILABLE`, `PACKAGE_MISSING` or `WASM_UNREACHABLE`, saying what to do.
   */
  start(): Promise<void>;
  /**
   * A faster way through a model that this backend knows; absent or undefined, TF.js runs the model.
   */
  predictor?(model: LayersModelLike): Predictor | undefined;
  /**
   * A way to run the pretrained weights that needs no Layers model; absent, they are loaded as one.
   *
   * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`.
   */
  pretrained?(): Promise<Predictor>;
}

/** Settings of a backend; each takes what concerns it. */
export interface BackendOptions {
  /**
   * `simd` and `wasm`: where the binaries lie, or the binaries themselves. Needed only where they were moved away from this
   * package. It holds for all that runs on the backend: the network, TF.js, training kernels, weights, the face detector.
   * @default the files in this package
   */
  assets?: Assets;
}

/** Makes a backend; optional libraries are imported in its `start()`, never before. */
export type BackendFactory = (options: BackendOptions) => Backend;

/** The backends that come with the library; the last three need a package of their own. */
export type BackendName = 'simd' | 'wasm' | 'cpu' | 'webgl' | 'webgpu' | 'tensorflow';
