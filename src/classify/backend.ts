import type { Predictor } from '../network/predictor.js';
import type { Assets } from '../platform/assets.js';
import type { LayersModelLike } from './layers-model-like.js';

/** A backend: it runs networks. Built-in backends are named in {@link BackendName}; `registerBackend` adds a user's own. */
export interface Backend {
  /** The name for `useBackend`. */
  readonly name: string;
  /**
   * The TF.js backend that it uses for tensors (training, evaluation).
   * @default name
   */
  readonly tfjsName?: string;
  /**
   * Starts the backend: loads binaries, registers kernels. Called once before any use, and again only after a failure.
   *
   * @throws FerError `BACKEND_UNAVAILABLE`, `PACKAGE_MISSING` or `WASM_UNREACHABLE`; the message says what to do.
   */
  start(): Promise<void>;
  /**
   * A faster way to run a model. If it is absent or returns undefined, TF.js runs the model.
   */
  predictor?(model: LayersModelLike): Predictor | undefined;
  /**
   * A way to run the pretrained weights without a Layers model. If it is absent, they are loaded as one.
   *
   * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`.
   */
  pretrained?(): Promise<Predictor>;
}

/** Settings of a backend; each backend uses the settings that it knows. */
export interface BackendOptions {
  /**
   * `simd` and `wasm`: the address of the binaries, or the binaries themselves. Needed only if they are not where this package
   * put them. It applies to everything on the backend: the network, TF.js, training kernels, weights, the face detector.
   * @default the files in this package
   */
  assets?: Assets;
}

/** Makes a backend; optional libraries are imported in its `start()`, never before. */
export type BackendFactory = (options: BackendOptions) => Backend;

/** The built-in backends; the last three need another package. */
export type BackendName = 'simd' | 'wasm' | 'cpu' | 'webgl' | 'webgpu' | 'tensorflow';
