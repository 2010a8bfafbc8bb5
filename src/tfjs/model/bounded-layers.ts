import { dispose, io, serialization, type Tensor } from '@tensorflow/tfjs-core';
import { type LayersModel, type LayerVariable, loadLayersModel, type Shape } from '@tensorflow/tfjs-layers';
import { FerError } from '../../errors.js';
import { allFinite } from '../../network/all-finite.js';
import { notFinite } from '../../network/weights-manifest.js';
import { type AddWeight, underFreeName, withAddWeight } from './add-weight.js';
import { fromKeras3 } from './keras3.js';
import type { ModelParts } from './model-parts.js';

/** Most output numbers of all layers together for one image: 1 GiB as float32. */
export const MOST_ACTIVATIONS = 2 ** 28;

/** Most layer calls of a model; the largest of Keras's own models has about 1,100. */
export const MOST_LAYERS = 4000;

/**
 * Builds a model from its parts like `loadLayersModel`, but refuses models that would take more memory than their files
 * suggest. TF.js allocates any size that a topology declares, and compares it with the weights only afterwards.
 *
 * @throws FerError `MODEL`, before memory is allocated, for a layer that needs more weights than the file has, for layers with
 * more than {@link MOST_ACTIVATIONS} output numbers, more than {@link MOST_LAYERS} layers, circular layers, and stateful
 * layers; otherwise the errors of TF.js.
 */
export async function loadBounded(parts: ModelParts): Promise<LayersModel> {
  const { modelTopology, weightSpecs, weightData, userDefinedMetadata } = fromKeras3(parts);
  const there = weightSpecs.reduce((sum, { shape }) => sum + product(shape), 0);
  const made: LayerVariable[] = [];

  // TF.js looks up the class of a model by name and builds it in one call. Under this name, it calls our code. Each load
  // has its own name, because loads overlap, and because two copies of this package may share one TF.js.
  const { classNameMap } = serialization.SerializationMap.getMap() as unknown as {
    classNameMap: Record<string, Entry>;
  };
  const name = `FerDcnnBounded${Math.random().toString(36).slice(2)}`;
  const build: Build = (_, { model }, ...more) => {
    const { className, config } = model as { className: string; config: object };
    if (!Object.hasOwn(classNameMap, className)) throw new FerError('MODEL', `unknown model class ${className}`);
    checkTopology(config);
    const [modelClass, fromConfig] = classNameMap[className];
    const built = withAddWeight(
      modelClass.prototype,
      (addWeight) => bounded(there, made, underFreeName(addWeight)),
      () => fromConfig(modelClass, config as Record<string, unknown>, ...more),
    );
    if (typeof (built as Partial<LayersModel>).loadWeights !== 'function') {
      throw new FerError('MODEL', `${className} is not a model class`);
    }
    return built;
  };
  classNameMap[name] = [class {}, build];
  let weights: Record<string, Tensor> = {};
  try {
    const root = (modelTopology as { model_config?: object }).model_config ?? modelTopology;
    const wrapped = { class_name: name, config: { model: root } };
    const model = await loadLayersModel(io.fromMemory({ modelTopology: wrapped, userDefinedMetadata }));
    checkActivations(model);
    weights = io.decodeWeights(weightData, weightSpecs);
    for (const [each, weight] of Object.entries(weights)) {
      if (weight.dtype === 'float32' && !allFinite(weight.dataSync())) throw notFinite(each);
    }
    const ofOptimizer = new Set(weightSpecs.filter(({ group }) => group === 'optimizer').map((entry) => entry.name));
    model.loadWeights(Object.fromEntries(Object.entries(weights).filter(([each]) => !ofOptimizer.has(each))));
    return model;
  } catch (error) {
    for (const weight of made) weight.dispose();
    throw error;
  } finally {
    dispose(weights);
    delete classNameMap[name];
  }
}

/** A class in TF.js's registry, which makes a model or layer from its config. */
type Entry = [modelClass: { prototype: object }, build: Build];
type Build = (modelClass: { prototype: object }, config: Record<string, unknown>, ...more: unknown[]) => unknown;

/** The places of layers in a config: the layers of a model, the layer of a wrapper, the cells of a recurrent layer. */
const HOLDS_LAYERS = new Set(['layers', 'layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells']);

/** @throws FerError `MODEL` for what would take TF.js very long or forever, or would take memory without weights. */
function checkTopology(config: object): void {
  // A model inside a model is visited once per call, and so on recursively: few bytes may mean much work.
  const callsOf = (value: unknown, key: string): number => {
    if (typeof value !== 'object' || value === null) return 0;
    if (Array.isArray(value)) {
      if (key === 'layers') boundPasses(value);
      return value.reduce((sum: number, item) => sum + callsOf(item, key), 0);
    }
    const { stateful, inboundNodes } = value as { stateful?: unknown; inboundNodes?: unknown };
    if (stateful) throw new FerError('MODEL', 'stateful layers keep memory between calls: they are not supported');
    const inside = Object.entries(value).reduce((sum, [inner, item]) => sum + callsOf(item, inner), 0);
    const times = Array.isArray(inboundNodes) ? Math.max(1, inboundNodes.length) : 1;
    return (HOLDS_LAYERS.has(key) ? inside + 1 : inside) * times;
  };
  const calls = callsOf(config, 'layers');
  if (calls > MOST_LAYERS) {
    throw new FerError('MODEL', `the model has more than ${MOST_LAYERS} layers, counted as often as they are called`);
  }
}

/** Most passes of TF.js over a list of layers: an ordered list needs one, repeated layers need one per call. */
const MOST_PASSES = 100;

/**
 * Ends a loop of TF.js that would run forever. TF.js visits the layers until all have their inputs, but circular layers, or
 * layers with a missing input, never get them.
 */
function boundPasses(list: unknown[]): void {
  let passes = 0;
  // The iterator is on a prototype: an array with an iterator of its own makes V8 iterate all arrays of the process slowly.
  const counted = Object.create(Array.prototype, {
    [Symbol.iterator]: {
      value(this: unknown[]) {
        if (++passes > MOST_PASSES) throw new FerError('MODEL', 'layers of the model need inputs that no layer gives');
        return this.values();
      },
    },
  });
  Object.setPrototypeOf(list, counted);
}

/** TF.js's own way to make a weight, limited to the number of weights in the file (`there`); adds them to `made`. */
function bounded(there: number, made: LayerVariable[], addWeight: AddWeight): AddWeight {
  let declared = 0;
  return function (name, shape, ...more) {
    if (shape.every((size) => Number.isSafeInteger(size) && size! >= 0)) declared += product(shape);
    else declared = Number.POSITIVE_INFINITY;
    if (declared > there) {
      throw new FerError(
        'MODEL',
        `${this.name}/${name} of shape [${shape}] is more than the ${there} weights of the file`,
      );
    }
    // The values are replaced at once, and some initializers take minutes.
    this.setFastWeightInitDuringBuild(true);
    const weight = addWeight.call(this, name, shape, ...more);
    made.push(weight);
    return weight;
  };
}

type AnyLayer = LayersModel['layers'][number] & {
  layers?: AnyLayer[];
  layer?: AnyLayer;
  forwardLayer?: AnyLayer;
  backwardLayer?: AnyLayer;
};

/**
 * Follows the shape of one image through a model, models inside it included.
 *
 * @throws FerError `MODEL` when the outputs of all layers together are too large. A model for images of any size passes:
 * classifying, training and evaluating require a known size.
 */
function checkActivations(model: LayersModel): void {
  const inputs = model.inputs.map(({ shape }) => [1, ...shape.slice(1)]);
  if (inputs.flat().includes(null)) return;

  let given = inputs.reduce((sum, shape) => sum + product(shape), 0);
  const watched = new Set<AnyLayer>();
  const watch = (layer: AnyLayer) => {
    if (watched.has(layer)) return;
    watched.add(layer);
    const { computeOutputShape } = layer;
    layer.computeOutputShape = function (this: AnyLayer, shape) {
      const output = computeOutputShape.call(this, shape);
      for (const sizes of (Array.isArray(output[0]) ? output : [output]) as Shape[]) {
        const known = sizes.every((size) => Number.isSafeInteger(size) && size! >= 0);
        given += known ? product(sizes) : Number.POSITIVE_INFINITY;
        if (given > MOST_ACTIVATIONS) {
          throw new FerError('MODEL', `up to ${layer.name}, of shape [${sizes}], an image takes more than 1 GiB`);
        }
      }
      return output;
    };
    const { layer: wrapped, forwardLayer, backwardLayer } = layer;
    for (const inner of [...(layer.layers ?? []), wrapped, forwardLayer, backwardLayer]) if (inner) watch(inner);
  };
  try {
    for (const layer of model.layers) watch(layer);
    // A sequential model becomes a graph at its first use, or here.
    model.build(inputs);
    model.computeOutputShape(inputs);
  } finally {
    // Removes the methods that hide the class's own.
    for (const layer of watched) delete (layer as { computeOutputShape?: unknown }).computeOutputShape;
  }
}

function product(shape: Shape): number {
  return shape.reduce<number>((size, axis) => size * axis!, 1);
}
