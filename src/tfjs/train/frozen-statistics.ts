import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Runs one training step in which frozen batch normalization does not change: if the layer, or a model that contains it, is not
 * trainable, it normalizes by its moving statistics and keeps them. TF.js's `fit` updates them anyway.
 *
 * @see Keras, "Transfer learning & fine-tuning": frozen batch normalization runs in inference mode
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
    // The class's own method is visible again.
    for (const layer of frozen) delete (layer as Partial<AnyLayer>).call;
  }
}

/** The parts of a layer, a model or a wrapper around a layer that are used here. */
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
