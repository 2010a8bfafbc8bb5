import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { commonName } from '../../aliases.js';
import { metadataOf, setMetadata } from './metadata.js';
import { classNamesOf } from './model-spec.js';
import { reportNetwork } from './report-network.js';

/**
 * Gives the network of `buildModel()` a new last layer: new weights for unknown classes, and the old weights for classes that it
 * knows by name. Its figures are removed, because they are for other classes.
 *
 * @param model - Such a network; it is disposed.
 * @param classes - Their names, in the order of the outputs, or their number.
 */
export function newHead(model: LayersModel, classes: number | readonly string[], seed?: number): LayersModel {
  const made = reportNetwork({ classes, seed });
  const known = classNamesOf(model);
  const names = typeof classes === 'number' ? [] : classes;
  tf.tidy(() => {
    const old = model.getWeights();
    const body = old.slice(0, -2);
    const head = made.getWeights().slice(-2);
    const moved = head.map((weights, i) => {
      const before = old[body.length + i];
      const columns = tf.unstack(weights, weights.rank - 1);
      const own = tf.unstack(before, before.rank - 1);
      names.forEach((name, c) => {
        const at = known.findIndex((each) => each === name || each === commonName(name));
        if (at >= 0) columns[c] = own[at];
      });
      return tf.stack(columns, weights.rank - 1);
    });
    made.setWeights([...body, ...moved]);
  });
  const { normalization } = metadataOf(model);
  model.dispose();
  setMetadata(made, { normalization });
  return made;
}
