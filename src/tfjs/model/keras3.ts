import type { ModelParts } from './model-parts.js';

/**
 * Translates a model of Keras 3 into the format of Keras 2, which TF.js reads. The content is the same under other names
 * (`batch_shape`, policies instead of types, calls instead of nodes, weight names that begin with the model's name).
 * A model of Keras 2 or TF.js does not change.
 */
export function fromKeras3(parts: ModelParts): ModelParts {
  const { modelTopology, weightSpecs } = parts;
  if (!JSON.stringify(modelTopology).includes('"batch_shape"')) return parts;
  const root = (modelTopology as { model_config?: { config?: { name?: unknown } } }).model_config ?? modelTopology;
  const prefix = `${String((root as { config?: { name?: unknown } }).config?.name)}/`;
  return {
    ...parts,
    modelTopology: translated(modelTopology) as object,
    weightSpecs: weightSpecs.map((spec) =>
      spec.name.startsWith(prefix) ? { ...spec, name: spec.name.slice(prefix.length) } : spec,
    ),
  };
}

type Json = unknown;
type Entries = Record<string, Json>;

function translated(value: Json): Json {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, Json] => {
      if (key === 'batch_shape') return ['batch_input_shape', item];
      if (key === 'dtype') return [key, policyName(item)];
      if (key === 'inbound_nodes' && Array.isArray(item)) return [key, item.map(nodeOf)];
      if ((key === 'input_layers' || key === 'output_layers') && Array.isArray(item)) return [key, listOfTensors(item)];
      return [key, translated(item)];
    }),
  );
}

/** `{ class_name: 'DTypePolicy', config: { name: 'float32' } }` is `'float32'`. */
function policyName(dtype: Json): Json {
  return (dtype as { config?: { name?: string } } | null)?.config?.name ?? dtype;
}

/** The call of a layer, `{ args, kwargs }` with tensors in it, as a list of these tensors: `[[layer, node, tensor, kwargs]]`. */
function nodeOf(call: Json): Json {
  const { args, kwargs } = (call ?? {}) as { args?: Json; kwargs?: Entries };
  if (args === undefined) return call;
  const plain = Object.entries(kwargs ?? {}).filter(([, value]) => value !== null && typeof value !== 'object');
  return historiesIn(args).map((history) => [...history, Object.fromEntries(plain)]);
}

function historiesIn(value: Json): Json[][] {
  if (Array.isArray(value)) return value.flatMap(historiesIn);
  const { class_name, config } = (value ?? {}) as { class_name?: string; config?: { keras_history?: Json[] } };
  return class_name === '__keras_tensor__' && Array.isArray(config?.keras_history) ? [config.keras_history] : [];
}

/** Keras 3 writes a single tensor without a list. */
function listOfTensors(item: readonly Json[]): Json {
  return typeof item[0] === 'string' ? [item] : item;
}
