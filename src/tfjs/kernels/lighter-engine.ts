import * as tf from '@tensorflow/tfjs-core';

/**
 * Makes the bookkeeping of TF.js's engine cheaper, with the same results. In a small network, TF.js spends a quarter of a
 * training step on it.
 *
 * - A scope that tracked no tensor ends without a search through its result; one that returns a tensor searches once.
 * - A tensor that is saved for the backward pass (on the wasm backend) shares its memory and its id with the original.
 *   TF.js runs a kernel and records one more op for each, so that gradients of gradients find the original; with the same
 *   id they find it without.
 * - A kernel of the wasm backend runs without the closures and scopes that serve profiling and debugging. With these, TF.js's
 *   own `runKernel` runs.
 */
export function registerLighterEngine(): void {
  const engine = tf.engine() as unknown as Engine;
  if (changed.has(engine)) return;
  changed.add(engine);

  const { endScope, clone, runKernel } = engine;
  engine.endScope = function (result) {
    const { state } = this;
    const { track, id } = state.activeScope;
    const one = result instanceof tf.Tensor ? result : null;
    if (track.length > 0 && one === null) {
      endScope.call(this, result);
      return;
    }
    for (const tensor of track) if (!tensor.kept && tensor.id !== one?.id) tensor.dispose();
    state.scopeStack.pop();
    state.activeScope = state.scopeStack[state.scopeStack.length - 1] ?? null;
    if (one !== null && !one.kept && one.scopeId === id) this.track(one);
  };

  engine.clone = function (x) {
    const own = this.backendName === 'wasm' && x.dtype !== 'string';
    if (!own || this.state.tensorInfo.get(x.dataId)?.backend !== this.backend) return clone.call(this, x);
    this.backend.incRef(x.dataId);
    const same = this.makeTensorFromTensorInfo(x);
    Object.assign(same, { id: x.id });
    return same;
  };

  engine.runKernel = function (kernelName, inputs, attrs) {
    const { state, ENV } = this;
    const watched = state.profiling || ENV.getBool('DEBUG');
    const kernel = this.backendName === 'wasm' && !watched ? tf.getKernel(kernelName, 'wasm') : undefined;
    if (kernel === undefined) return runKernel.call(this, kernelName, inputs, attrs);

    const onTape = state.gradientDepth > 0 && state.kernelDepth === 0;
    // TF.js's own specs ask whether a kernel leaves buffers behind.
    const before = ENV.getBool('IS_TEST') ? this.backend.numDataIds() : null;
    let saved: tf.Tensor[] = [];
    let outputs: tf.Tensor[];
    let several: boolean;
    state.kernelDepth++;
    try {
      const out = kernel.kernelFunc({ inputs, attrs, backend: this.backend });
      if (before !== null) this.checkKernelForMemLeak(kernelName, before, [out].flat());
      several = Array.isArray(out);
      outputs = Array.isArray(out) ? out.map((info) => tensorOf(this, info)) : [tensorOf(this, out)];
      if (onTape) saved = this.saveTensorsForBackwardMode(this.getTensorsForGradient(kernelName, inputs, outputs));
    } finally {
      state.kernelDepth--;
    }
    if (onTape) this.addTapeNode(kernelName, inputs, outputs, null, saved, attrs);
    return several ? outputs : outputs[0];
  };
}

const changed = new WeakSet<object>();

/** Kernels give tensors or what describes them. */
function tensorOf(engine: Engine, info: tf.TensorInfo): tf.Tensor {
  return (info as Partial<tf.Tensor>).rank === undefined ? engine.makeTensorFromTensorInfo(info) : (info as tf.Tensor);
}

/** The parts of TF.js's engine that are used here; they are not in its public types. */
interface Engine {
  ENV: { getBool(flag: string): boolean };
  backendName: string;
  backend: { incRef(dataId: object): void; numDataIds(): number };
  state: {
    activeScope: Scope;
    scopeStack: Scope[];
    gradientDepth: number;
    kernelDepth: number;
    profiling: boolean;
    tensorInfo: WeakMap<object, { backend: unknown }>;
  };
  endScope(result: unknown): void;
  clone(x: tf.Tensor): tf.Tensor;
  track(tensor: tf.Tensor): void;
  makeTensorFromTensorInfo(info: tf.TensorInfo): tf.Tensor;
  runKernel(kernelName: string, inputs: tf.NamedTensorMap, attrs?: tf.NamedAttrMap): tf.Tensor | tf.Tensor[];
  getTensorsForGradient(kernelName: string, inputs: tf.NamedTensorMap, outputs: tf.Tensor[]): tf.Tensor[];
  checkKernelForMemLeak(kernelName: string, before: number, outputs: tf.TensorInfo[]): void;
  saveTensorsForBackwardMode(tensors: tf.Tensor[]): tf.Tensor[];
  addTapeNode(
    kernelName: string,
    inputs: tf.NamedTensorMap,
    outputs: tf.Tensor[],
    gradient: null,
    saved: tf.Tensor[],
    attrs?: tf.NamedAttrMap,
  ): void;
}

/** The tensors that are disposed of when a scope ends. */
interface Scope {
  id: number;
  track: tf.Tensor[];
}
