import type { AdamStep } from './adam.js';

/** What decides how much memory a training on several threads takes, and what lies where. */
export interface SharedLayout {
  threads: number;
  /** Numbers in each trainable weight, in the model's order. */
  trainable: readonly number[];
  /** Whether each of them decays: kernels do. */
  decaying: readonly boolean[];
  /** Numbers in each weight that is not trained, such as averages of batch normalisation. */
  moving: readonly number[];
  /** Whether an average of the weights is kept. */
  averaged: boolean;
  /** Samples of an epoch, samples of a batch, numbers in one input. */
  samples: number;
  batchSize: number;
  inputSize: number;
}

/** One step, as the calling thread announces it to the others. */
export interface AnnouncedStep extends AdamStep {
  /** Where the batch begins in the epoch's order. */
  first: number;
  /** Samples of the batch. */
  rows: number;
  /** Samples of the batch after it in the same epoch, 0 for none. */
  following: number;
  /** From 1. */
  epoch: number;
  /** Steps of the whole training before this one. */
  step: number;
  averageDecay: number;
}

/**
 * All that the threads of a training share, in one `WebAssembly.Memory`. Every thread has such an object, on the same
 * memory.
 */
export class SharedState {
  readonly layout: SharedLayout;
  readonly memory: WebAssembly.Memory;
  /** Trainable weights, each at a multiple of four numbers (see {@link starts}); behind them those that are not trained. */
  readonly weights: Float32Array;
  /** Adam's moments, laid out as `weights`. */
  readonly means: Float32Array;
  readonly squares: Float32Array;
  /** Averages of the weights, laid out as they are; empty where none are kept. */
  readonly averages: Float32Array;
  /** One array a thread, laid out as `weights`; behind the gradients, what the thread made of the untrained weights. */
  readonly gradients: readonly Float32Array[];
  /** Each thread's portion of the batch. */
  readonly portions: Float32Array;
  /** Indices of the samples of an epoch. */
  readonly order: Uint32Array;
  /** Augmented inputs of even and of odd steps. */
  readonly inputs: readonly [Float32Array, Float32Array];
  /** Rows of each that a thread has taken upon itself. */
  readonly rowsTaken: Int32Array;
  /** Mean loss and count of right answers, a thread. */
  readonly figures: Float64Array;
  /** For the {@link StepBarrier}. */
  readonly arrivals: Int32Array;
  /** Steps announced. */
  readonly announced: Int32Array;
  readonly #announcement: Float64Array;

  /** @param memory - That of another thread's state with the same layout; made again when left out. */
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
      // No line of the cache is in two arrays.
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

  /** Where each of the weights begins in `weights`, trainable ones first. */
  get starts(): number[] {
    return startsOf([...this.layout.trainable, ...this.layout.moving]);
  }

  /** Tells the other threads of a step, and wakes them. */
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

/** Places one behind the other, each at a multiple of four: vectors of four never reach into the next. With the end. */
function startsOf(sizes: readonly number[]): number[] {
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + Math.ceil(size / 4) * 4);
  return starts;
}
