import * as tf from '@tensorflow/tfjs-core';

/**
 * Lets TF.js free memory while it computes gradients. TF.js keeps every gradient on the way, and every tensor that was
 * saved for the backward pass, until the last gradient is there. With this, an op's tensors are disposed of as soon as
 * the next op's gradient is asked for: a step needs less memory, and works on memory that is still in the cache.
 * On other backends, and for gradients of gradients, nothing changes.
 */
export function registerEarlyDisposal(): void {
  const engine = tf.engine() as unknown as Engine;
  if (changed.has(engine)) return;
  changed.add(engine);
  const plain = engine.gradients;
  engine.gradients = function (f, xs, dy, allowNoGradients) {
    const observed = () => {
      const y = f();
      if (tf.getBackend() === 'wasm' && this.state.gradientDepth === 1) observe(this, xs);
      return y;
    };
    return plain.call(this, observed, xs, dy, allowNoGradients);
  };
}

const changed = new WeakSet<object>();

/** The parts of TF.js's engine that are used here; they are not in its public types. */
interface Engine {
  state: { activeTape: TapeNode[] | null; gradientDepth: number };
  nextTensorId(): number;
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy?: tf.Tensor, allowNoGradients?: boolean): unknown;
}

/** An op that ran forward; `gradient` gives functions that compute the gradients of its inputs. */
interface TapeNode {
  outputs: tf.Tensor[];
  inputs: Record<string, tf.Tensor>;
  saved?: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The last node whose gradients were computed, with the gradients of its outputs. */
interface Done {
  node: TapeNode;
  dys: (tf.Tensor | null)[];
}

function observe(engine: Engine, xs: tf.Tensor[]): void {
  const first = engine.nextTensorId();
  const wanted = new Set(xs.map(({ id }) => id));
  /** How often a tensor was given as a gradient; a gradient function may give one tensor for several inputs. */
  const given = new Map<tf.Tensor, number>();
  /** The gradients of each tensor that was an input: TF.js adds them up as they come. */
  const gradientsOf = new Map<number, tf.Tensor[]>();
  let last: Done | null = null;

  // Only tensors that were made in the backward pass: a gradient function may return a tensor of its caller.
  const dispose = (tensor: tf.Tensor) => {
    if (tensor.id > first && !tensor.kept) tensor.dispose();
  };
  const release = ({ node, dys }: Done) => {
    node.outputs.forEach(({ id }, i) => {
      const dy = dys[i];
      if (dy == null || wanted.has(id)) return;
      const terms = gradientsOf.get(id) ?? [];
      // TF.js disposes of all terms of a sum but the last one.
      const sum = terms.length > 1 && !given.has(dy) ? [dy] : [];
      for (const tensor of [...sum, ...terms]) if ((given.get(tensor) ?? 1) === 1) dispose(tensor);
    });
    for (const tensor of node.saved ?? []) if (!given.has(tensor)) tensor.dispose();
  };

  for (const node of engine.state.activeTape ?? []) {
    const { gradient } = node;
    if (gradient == null) continue;
    node.gradient = (dys) => {
      if (last !== null) release(last);
      last = { node, dys };
      const entries = Object.entries(gradient(dys)).map(([name, compute]) => {
        const observed = () => {
          const dx = compute();
          given.set(dx, (given.get(dx) ?? 0) + 1);
          const { id } = node.inputs[name] ?? dx;
          gradientsOf.set(id, [...(gradientsOf.get(id) ?? []), dx]);
          return dx;
        };
        return [name, observed] as const;
      });
      return Object.fromEntries(entries);
    };
  }
}
