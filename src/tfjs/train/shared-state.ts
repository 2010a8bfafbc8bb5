import type { AdamStep } from './adam.js';

/** The sizes that determine the memory layout of a training on several threads. */
export interface SharedLayout {
  threads: number;
  /** Numbers in each trainable weight, in the model's order. */
  trainable: readonly number[];
  /** Whether each weight decays: only kernels do. */
  decaying: readonly boolean[];
  /** Numbers in each weight that is not trained, such as the averages of batch normalization. */
  moving: readonly number[];
  /** Whether an average of the weights is kept. */
  averaged: boolean;
  /** Samples of an epoch, samples of a batch, numbers in one input. */
  samples: number;
  batchSize: number;
  inputSize: number;
}

/** One step, as announced by the calling thread. */
export interface AnnouncedStep extends AdamStep {
  /** Start of the batch in the epoch's order. */
  first: number;
  /** Samples of the batch. */
  rows: number;
  /** Samples of the next batch in the same epoch; 0 after the last batch. */
  following: number;
  /** Epoch, from 1. */
  epoch: number;
  /** Steps of the whole training before this one. */
  step: number;
  averageDecay: number;
}

/**
 * The shared state of a training's threads, in one `WebAssembly.Memory`. Every thread has such an object, on the same
 * memory.
 */
export class SharedState {
  readonly layout: SharedLayout;
  readonly memory: WebAssembly.Memory;
  /** Trainable weights, each aligned to four numbers (see {@link starts}); after them, the weights that are not trained. */
  readonly weights: Float32Array;
  /** Adam's moments, laid out as `weights`. */
  readonly means: Float32Array;
  readonly squares: Float32Array;
  /** Averages of the weights, laid out as `weights`; empty if no average is kept. */
  readonly averages: Float32Array;
  /** One array per thread, laid out as `weights`: the gradients, then the thread's new values of the untrained weights. */
  readonly gradients: readonly Float32Array[];
  /** Each thread's portion of the batch. */
  readonly portions: Float32Array;
  /** Indices of the samples of an epoch. */
  readonly order: Uint32Array;
  /** Augmented inputs of even and of odd steps. */
  readonly inputs: readonly [Float32Array, Float32Array];
  /** Number of rows of each that are taken by some thread. */
  readonly rowsTaken: Int32Array;
  /** Mean loss and number of correct answers of each thread. */
  readonly figures: Float64Array;
  /** For the {@link StepBarrier}. */
  readonly arrivals: Int32Array;
  /** Number of announced steps. */
  readonly announced: Int32Array;
  readonly #announcement: Float64Array;

  /** @param memory - The memory of another thread's state with the same layout; by default, new memory. */
  constructor(layout: SharedLayout, memory?: WebAssembly.Memory) {
    const { threads, trainable, moving, averaged, samples, batchSize, inputSize } = layout;
    const trained = startsOf(trainable).at(-1)!;
    const all = startsOf([...trainable, ...moving]).at(-1)!;
    const plan: [count: number, bytes: number][] = [
      ...[all, trained, trained, averaged ? trained : 0].map(floats),
      ...Array.from({ length: threads }, () => floats(all)),
      ...[threads, samples, batchSize * inputSize, batchSize * inputSize].map(floats),
      ...[2, 1, 1].map(floats),
      ...[2 * threads, FIELDS.length].map((count): [number, number] => [count, 8]),
    ];
    let bytes = 0;
    const places = plan.map(([count, size]) => {
      const place = { offset: bytes, count };
      // No cache line is shared by two arrays.
      bytes += Math.ceil((count * size) / 64) * 64;
      return place;
    });
    const pages = Math.ceil(bytes / 65_536);
    this.layout = layout;
    this.memory = memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });

    type Kind<T> = new (buffer: ArrayBuffer, offset: number, count: number) => T;
    const next = <T>(kind: Kind<T>): T => {
      const { offset, count } = places.shift()!;
      return new kind(this.memory.buffer, offset, count);
    };
    this.weights = next(Float32Array);
    this.means = next(Float32Array);
    this.squares = next(Float32Array);
    this.averages = next(Float32Array);
    this.gradients = Array.from({ length: threads }, () => next(Float32Array));
    this.portions = next(Float32Array);
    this.order = next(Uint32Array);
    this.inputs = [next(Float32Array), next(Float32Array)];
    this.rowsTaken = next(Int32Array);
    this.arrivals = next(Int32Array);
    this.announced = next(Int32Array);
    this.figures = next(Float64Array);
    this.#announcement = next(Float64Array);
  }

  /** Start of each weight in `weights`, trainable ones first. */
  get starts(): number[] {
    return startsOf([...this.layout.trainable, ...this.layout.moving]);
  }

  /** Announces a step to the other threads, and wakes them. */
  announce(step: AnnouncedStep): void {
    FIELDS.forEach((field, i) => {
      this.#announcement[i] = step[field];
    });
    this.rowsTaken.fill(0);
    Atomics.add(this.announced, 0, 1);
    Atomics.notify(this.announced, 0);
  }

  /** The step that was announced last. */
  announcement(): AnnouncedStep {
    return Object.fromEntries(FIELDS.map((field, i) => [field, this.#announcement[i]])) as unknown as AnnouncedStep;
  }
}

const FIELDS = [
  ...(['first', 'rows', 'following', 'epoch', 'step', 'averageDecay'] as const),
  ...(['learningRate', 'beta1', 'beta2', 'epsilon', 'meanScale', 'squareScale', 'decay'] as const),
];

function floats(count: number): [number, number] {
  return [count, 4];
}

/** Consecutive start indices, each a multiple of four, so that vectors of four never reach into the next array; the last is the end. */
function startsOf(sizes: readonly number[]): number[] {
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + Math.ceil(size / 4) * 4);
  return starts;
}
