import type { LayerVariable, Shape } from '@tensorflow/tfjs-layers';
import { tfjs } from '#tfjs';
import { reasonOf } from '../../errors.js';

/** What TF.js Layers calls on each layer for each of its weights. */
export type AddWeight = (this: BuiltLayer, name: string, shape: Shape, ...more: unknown[]) => LayerVariable;

/** A layer, as far as weights go. */
export interface BuiltLayer {
  name: string;
  addWeight: AddWeight;
  setFastWeightInitDuringBuild(value: boolean): void;
  /** Names that this layer has used, which it refuses a second time. */
  _addedWeightNames: string[];
}

/**
 * Runs `build`, in which layers make their weights in another way.
 *
 * @param layer - The prototype of a class of layers or models; not always of our own TF.js Layers, which may be there twice.
 * @param other - Makes it of TF.js's own way.
 */
export function withAddWeight<T>(layer: object, other: (addWeight: AddWeight) => AddWeight, build: () => T): T {
  let prototype = layer as BuiltLayer;
  while (!Object.hasOwn(prototype, 'addWeight')) prototype = Object.getPrototypeOf(prototype);
  // Nothing else runs meanwhile: `build` does not wait for anything.
  const { addWeight } = prototype;
  prototype.addWeight = other(addWeight);
  try {
    return build();
  } finally {
    prototype.addWeight = addWeight;
  }
}

/**
 * Makes a weight under a name that is free. TF.js keeps one list of variables for all its copies in a process, such as an
 * installed one and one inside a bundle, but each copy of TF.js Layers counts names for itself.
 */
export function underFreeName(addWeight: AddWeight): AddWeight {
  return function (...args) {
    for (let tries = 1; ; tries++) {
      try {
        return tfjs().core.tidy(() => addWeight.apply(this, args) as never);
      } catch (error) {
        if (tries === MOST_TRIES || !reasonOf(error).includes('already registered')) throw error;
        // The name counts as used now: the next try is for name_1, name_2 and so on.
        this._addedWeightNames.pop();
      }
    }
  };
}

const MOST_TRIES = 1000;
