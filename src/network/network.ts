import { FerError, reasonOf } from '../errors.js';
import { type ClassHead, classHead } from './class-head.js';
import type { Fallbacks } from './fallbacks.js';
import type { Predictor } from './predictor.js';
import { floatsOf, type Weight } from './weight.js';
import { WEIGHT_SIZES } from './weight-sizes.js';

/** The grey network of `buildModel()` in its own memory: inputs [n,32,32,1], outputs [n,classes]. */
export interface Network extends Predictor {
  /**
   * Sets the weights.
   *
   * @param weights - Kernel and bias of conv1, conv2, dense1 and dense2, in this order and in TF.js's layout.
   * The length of the last determines the number of classes. If dense1's kernel comes in 8 bits, single faces use the codes.
   */
  setWeights(weights: readonly Weight[]): void;
}

/**
 * Starts the network on a compiled module, or in plain TypeScript without one. Each has about 3 MB of its own memory.
 *
 * @throws FerError `BACKEND_UNAVAILABLE` for a wrong module, or one that does not start here.
 */
export async function startNetwork(
  module: WebAssembly.Module | null,
  fallbacks: Pick<Fallbacks, 'plainNetwork'>,
): Promise<Network> {
  let engine: Engine | undefined = module ? await wasmEngine(module) : await fallbacks.plainNetwork();
  const { faces, inputs, outputs, hidden } = engine;
  /** The last layer, if it does not have the five classes that are built into the engines. */
  let head: ClassHead | undefined;

  function running(): Engine {
    if (engine === undefined) throw new FerError('DISPOSED', 'the network has been disposed');
    return engine;
  }

  return {
    setWeights(weights) {
      const { setWeights } = running();
      const [kernel, bias] = weights.slice(6).map(floatsOf);
      head = bias.length === CLASSES ? undefined : classHead(kernel, bias);
      const unused = () => WEIGHT_SIZES.slice(6).map((size) => new Float32Array(size));
      setWeights(head ? [...weights.slice(0, 6), ...unused()] : weights);
    },

    async predict(rows, n) {
      const classes = head?.classes ?? CLASSES;
      const probabilities = new Float32Array(n * classes);
      for (let first = 0; first < n; first += faces) {
        // Single faces of other calls run between the parts of a large batch.
        if (first > 0 && first % (RUNS_AT_A_STRETCH * faces) === 0) await new Promise((resolve) => setTimeout(resolve));
        const { run } = running();
        const count = Math.min(faces, n - first);
        // A single face is passed without a view, which would be garbage in every frame.
        inputs.set(n === count ? rows : rows.subarray(first * INPUT_SIZE, (first + count) * INPUT_SIZE));
        run(count);
        for (let face = 0; face < count; face++) {
          if (head) {
            head.run(hidden, face * HIDDEN_SIZE, probabilities, (first + face) * classes);
            continue;
          }
          for (let c = 0; c < CLASSES; c++) {
            probabilities[(first + face) * CLASSES + c] = outputs[face * OUTPUT_STRIDE + c];
          }
        }
      }
      running();
      return probabilities;
    },

    dispose() {
      engine = undefined;
    },
  };
}

/** An engine: computes `outputs` [n,8], where the first 5 of a row are probabilities, from `inputs` [n,32,32]; n <= `faces`. */
interface Engine {
  faces: number;
  inputs: Float32Array;
  outputs: ArrayLike<number>;
  /** Output of the first dense layer, [n,256]. */
  hidden: ArrayLike<number>;
  run(n: number): void;
  setWeights(weights: readonly Weight[]): void;
}

/** The exports of the module in src/network/assembly/index.ts. */
interface NetworkExports {
  memory: WebAssembly.Memory;
  faces: WebAssembly.Global<'i32'>;
  inputs: WebAssembly.Global<'i32'>;
  outputs: WebAssembly.Global<'i32'>;
  hidden: WebAssembly.Global<'i32'>;
  stage: WebAssembly.Global<'i32'>;
  stageFloats: WebAssembly.Global<'i32'>;
  place(weight: number, first: number, count: number): void;
  setGrid(scale: number, min: number): void;
  run(n: number): void;
}

const CLASSES = 5;
const INPUT_SIZE = 32 * 32;
const OUTPUT_STRIDE = 8;
const HIDDEN_SIZE = 256;
/** Numbers of weights for `place`: the kernel of the first dense layer, as floats and as codes. */
const DENSE1 = 4;
const DENSE1_CODES = 8;
/** Faces per part of a batch: about 10 ms of work. */
const RUNS_AT_A_STRETCH = 4;

async function wasmEngine(module: WebAssembly.Module): Promise<Engine> {
  const { memory, place, setGrid, run, ...places } = await instantiate(module);
  const floats = (address: WebAssembly.Global<'i32'>, length: number) =>
    new Float32Array(memory.buffer, address.value, length);
  const faces = places.faces.value;
  const stage = floats(places.stage, places.stageFloats.value);
  return {
    faces,
    inputs: floats(places.inputs, faces * INPUT_SIZE),
    outputs: floats(places.outputs, faces * OUTPUT_STRIDE),
    hidden: floats(places.hidden, faces * HIDDEN_SIZE),
    run,
    setWeights(weights) {
      weights.forEach((weight, index) => {
        const coded = index === DENSE1 && 'codes' in weight && weight.codes instanceof Uint8Array ? weight : undefined;
        if (index === DENSE1) setGrid(coded?.scale ?? 0, coded?.min ?? 0);
        const values = coded?.codes ?? floatsOf(weight);
        const staged = coded ? new Uint8Array(stage.buffer, stage.byteOffset, stage.length) : stage;
        for (let first = 0; first < values.length; first += staged.length) {
          const part = values.subarray(first, first + staged.length);
          staged.set(part);
          place(coded ? DENSE1_CODES : index, first, part.length);
        }
      });
    },
  };
}

async function instantiate(module: WebAssembly.Module): Promise<NetworkExports> {
  try {
    const { exports } = await WebAssembly.instantiate(module);
    if (!('place' in exports && 'run' in exports && 'hidden' in exports)) throw new Error('it exports no network');
    return exports as unknown as NetworkExports;
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `the network's module does not start here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
