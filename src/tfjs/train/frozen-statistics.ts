import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Runs one training step with frozen batch normalisation at rest: a layer that is not trainable, or lies in a model that is
 * not, normalises by its moving statistics and keeps them. TF.js's `fit` moves them anyway.
 *
 * @see Keras, "Transfer learning & fine-tuning": frozen batch normalisation runs in inference mode
 */
export function withFrozenStatistics<T>(model: LayersModel, work: () => T): T {
  const frozen = frozenNormalizations(model as unknown as AnyLayer, false);
  for (const layer of frozen) {
    const { call } = layer;
    layer.call = (inputs, { ...options }) => call.call(layer, inputs, { ...options, training: false });
  }
  try {
    return work();
  } finally {
    // The class's own method shows again.
    for (const layer of frozen) delete (layer as Partial<AnyLayer>).call;
  }
}

/** A layer, a model, or a wrapper around a layer, as far as it matters here. */
interface AnyLayer {
  trainable: boolean;
  layers?: AnyLayer[];
  layer?: AnyLayer;
  getClassName(): string;
  call(inputs: unknown, options: object): unknown;
}

function frozenNormalizations(layer: AnyLayer, within: boolean): AnyLayer[] {
  const frozen = within || !layer.trainable;
  const inner = [...(layer.layers ?? []), ...(layer.layer ? [layer.layer] : [])];
  if (inner.length > 0) return inner.flatMap((each) => frozenNormalizations(each, frozen));
  return frozen && layer.getClassName() === 'BatchNormalization' ? [layer] : [];
}
