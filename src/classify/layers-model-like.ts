import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';

/**
 * The parts of a `tf.LayersModel` that classification uses. Declared here so that code without TF.js does not need TF.js's
 * types.
 */
export interface LayersModelLike {
  readonly name: string;
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly layers: readonly LayerLike[];
  getClassName(): string;
}

/** The parts of a layer that are used. */
export interface LayerLike {
  readonly name: string;
  readonly weights: readonly { read(): WeightTensor }[];
  getClassName(): string;
  getConfig(): object;
}

/** The parts of a layer's weight that are used. */
export interface WeightTensor {
  readonly dataId: object;
  readonly isDisposed: boolean;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
}

/** @throws FerError `MODEL` when `model` is not a Layers model, for example a promise of one. */
export function checkIsModel(model: unknown): asserts model is LayersModelLike {
  let fits = false;
  try {
    const { inputs, outputs, layers } = model as LayersModelLike;
    fits = [inputs, outputs, layers].every(Array.isArray);
  } catch {}
  if (!fits) throw new FerError('MODEL', `expected a tf.LayersModel, got ${describeInput(model)}`);
}

/** @throws FerError `MODEL`, `DISPOSED`. */
export function checkIsUsable(model: unknown): asserts model is LayersModelLike {
  checkIsModel(model);
  if (isDisposed(model)) throw new FerError('DISPOSED', 'the model has been disposed');
}

/** Whether a model is disposed. TF.js has no property for it, but reading a weight of a disposed model throws. */
export function isDisposed(model: Pick<LayersModelLike, 'layers'>): boolean {
  try {
    return model.layers.some(({ weights }) => weights.some((weight) => weight.read().isDisposed));
  } catch {
    return true;
  }
}
