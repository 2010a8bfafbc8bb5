import { FerError } from '../errors.js';
import { allFinite } from '../network/all-finite.js';
import { isDisposed, type LayersModelLike } from './layers-model-like.js';

/**
 * Watches the weights of a model, which training changes.
 *
 * @param onChange - Receives all weights, layer by layer, at the first call and after every change.
 * @returns A function to call before each use of the model.
 * @throws FerError `DISPOSED`; `NOT_FINITE` for weights with NaN or infinity, because kernels may turn them into plausible answers.
 */
export function followWeights(
  model: LayersModelLike,
  onChange: (weights: Float32Array[]) => void | Promise<void> = () => {},
): () => Promise<void> {
  let reading: Promise<void> = Promise.resolve();
  let held: object[] = [];
  return async () => {
    if (isDisposed(model)) throw new FerError('DISPOSED', 'the model has been disposed');
    // Layer by layer, because the model's own list has the untrained weights last.
    const tensors = model.layers.flatMap(({ name, weights }) =>
      weights.map((weight) => ({ name, tensor: weight.read() })),
    );
    if (tensors.some(({ tensor }, i) => tensor.dataId !== held[i])) {
      held = tensors.map(({ tensor }) => tensor.dataId);
      reading = Promise.all(tensors.map(({ tensor }) => tensor.data() as Promise<Float32Array>))
        .then((weights) => {
          const wrong = weights.findIndex((values) => !allFinite(values));
          if (wrong >= 0)
            throw new FerError('NOT_FINITE', `the weights of layer ${tensors[wrong].name} are not finite`);
          return onChange(weights);
        })
        .catch((error) => {
          held = [];
          throw error;
        });
    }
    await reading;
  };
}
