import type { LayerVariable, Shape } from '@tensorflow/tfjs-layers';
import { tfjs } from '#tfjs';
import { reasonOf } from '../../errors.js';

/** The method that TF.js Layers calls on a layer for each of its weights. */
export type AddWeight = (this: BuiltLayer, name: string, shape: Shape, ...more: unknown[]) => LayerVariable;

/** The parts of a layer that concern weights. */
export interface BuiltLayer {
  name: string;
  addWeight: AddWeight;
  setFastWeightInitDuringBuild(value: boolean): void;
  /** Names that this layer has used; it refuses to use a name twice. */
  _addedWeightNames: string[];
}

/**
 * Runs `build` with another way for layers to make their weights.
 *
 * @param layer - The prototype of a class of layers or models; it may belong to another copy of TF.js Layers than ours.
 * @param other - Makes the new method from TF.js's own.
 */
export function withAddWeight<T>(layer: object, other: (addWeight: AddWeight) => AddWeight, build: () => T): T {
  let prototype = layer as BuiltLayer;
  while (!Object.hasOwn(prototype, 'addWeight')) prototype = Object.getPrototypeOf(prototype);
  // Nothing else runs at the same time: `build` is synchronous.
  const { addWeight } = prototype;
  prototype.addWeight = other(addWeight);
  try {
    return build();
  } finally {
    prototype.addWeight = addWeight;
  }
}

/**
 * Makes a weight under a free name. TF.js keeps one list of variables for all its copies in a process, such as an
 * installed one and one inside a bundle, but each copy of TF.js Layers counts names for itself.
 */
export function underFreeName(addWeight: AddWeight): AddWeight {
  return function (...args) {
    for (let tries = 1; ; tries++) {
      try {
        return tfjs().core.tidy(() => addWeight.apply(this, args) as never);
      } catch (error) {
        if (tries === MOST_TRIES || !reasonOf(error).includes('already registered')) throw error;
        // The name now counts as used: the next attempts are name_1, name_2 and so on.
        this._addedWeightNames.pop();
      }
    }
  };
}

const MOST_TRIES = 1000;
