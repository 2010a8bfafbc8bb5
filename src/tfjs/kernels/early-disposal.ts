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

/** An op that ran forward. */
interface TapeNode {
  outputs: tf.Tensor[];
  inputs: Record<string, tf.Tensor>;
  saved?: tf.Tensor[];
  gradient?: Gradient;
}

/** Functions that compute the gradients of an op's inputs, by name. */
type Gradient = (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;

function observe(engine: Engine, xs: tf.Tensor[]): void {
  const pass = new BackwardPass(engine.nextTensorId(), new Set(xs.map(({ id }) => id)));
  for (const node of engine.state.activeTape ?? []) {
    const { gradient } = node;
    if (gradient != null) node.gradient = (dys) => pass.step(node, dys, gradient);
  }
}

/** What is known of the gradients of one backward pass. */
class BackwardPass {
  /** How often a tensor was given as a gradient; a gradient function may give one tensor for several inputs. */
  readonly #given = new Map<tf.Tensor, number>();
  /** The gradients of each tensor that was an input: TF.js adds them up as they come. */
  readonly #gradientsOf = new Map<number, tf.Tensor[]>();
  readonly #first: number;
  readonly #wanted: Set<number>;
  #node: TapeNode | null = null;
  #dys: (tf.Tensor | null)[] = [];

  /**
   * @param first - Tensors of later ids are made in this pass.
   * @param wanted - Ids of the tensors whose gradients the caller gets.
   */
  constructor(first: number, wanted: Set<number>) {
    this.#first = first;
    this.#wanted = wanted;
  }

  /** The gradients of a node; frees what the node before has left. */
  step(node: TapeNode, dys: (tf.Tensor | null)[], gradient: Gradient): ReturnType<Gradient> {
    if (this.#node !== null) this.#release(this.#node, this.#dys);
    this.#node = node;
    this.#dys = dys;
    const gradients = gradient(dys);
    const observed: ReturnType<Gradient> = {};
    for (const name in gradients) observed[name] = () => this.#note(node.inputs[name], gradients[name]());
    return observed;
  }

  #note(input: tf.Tensor | undefined, dx: tf.Tensor): tf.Tensor {
    this.#given.set(dx, (this.#given.get(dx) ?? 0) + 1);
    if (input !== undefined) {
      const terms = this.#gradientsOf.get(input.id);
      if (terms === undefined) this.#gradientsOf.set(input.id, [dx]);
      else terms.push(dx);
    }
    return dx;
  }

  #release(node: TapeNode, dys: (tf.Tensor | null)[]): void {
    for (let i = 0; i < dys.length; i++) {
      const dy = dys[i];
      const { id } = node.outputs[i];
      if (dy == null || this.#wanted.has(id)) continue;
      const terms = this.#gradientsOf.get(id) ?? [];
      if (terms.length > 1 && !this.#given.has(dy)) this.#dispose(dy);
      // TF.js disposes of all terms of a sum but the last one.
      for (const term of terms) if (this.#given.get(term) === 1) this.#dispose(term);
    }
    for (const tensor of node.saved ?? []) if (!this.#given.has(tensor)) tensor.dispose();
  }

  /** Only what was made on the way back: a gradient function may give a tensor of its caller. */
  #dispose(tensor: tf.Tensor): void {
    if (tensor.id > this.#first && !tensor.kept) tensor.dispose();
  }
}
