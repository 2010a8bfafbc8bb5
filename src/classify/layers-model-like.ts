import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';

/**
 * What recognising needs to know of a `tf.LayersModel`, which is one. Spelled out so that code without TF.js needs none of
 * its types.
 */
export interface LayersModelLike {
  readonly name: string;
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly layers: readonly LayerLike[];
  getClassName(): string;
}

/** What is needed of one of its layers. */
export interface LayerLike {
  readonly name: string;
  readonly weights: readonly { read(): WeightTensor }[];
  getClassName(): string;
  getConfig(): object;
}

/** What is needed of a layer's weight. */
export interface WeightTensor {
  readonly dataId: object;
  readonly isDisposed: boolean;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
}

/** @throws FerError `MODEL` for what is not a Layers model, such as a promise of one. */
export function checkIsModel(model: unknown): asserts model is LayersModelLike {
  let fits = false;
  try {
    const { inputs, outputs, layers } = model as LayersModelLike;
    fits = [inputs, outputs, layers].every(Array.isArray);
  } catch {}
  if (!fits) throw new FerError('MODEL', `a tf.LayersModel is needed, got ${describeInput(model)}`);
}

/** Whether a model's weights are gone. TF.js has no word for it: reading a weight of a disposed model throws. */
export function isDisposed(model: Pick<LayersModelLike, 'layers'>): boolean {
  try {
    return model.layers.some(({ weights }) => weights.some((weight) => weight.read().isDisposed));
  } catch {
    return true;
  }
}
