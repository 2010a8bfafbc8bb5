import { describe, expect, test } from 'vitest';
import { type AnnouncedStep, type SharedLayout, SharedState } from '../../../src/tfjs/train/shared-state.js';

const layout: SharedLayout = {
  threads: 3,
  trainable: [5, 4],
  decaying: [true, false],
  moving: [2],
  averaged: true,
  ...{ samples: 7, batchSize: 3, inputSize: 6 },
};

const step: AnnouncedStep = {
  ...{ first: 3, rows: 2, following: 1, epoch: 4, step: 5, averageDecay: 0.6 },
  ...{ learningRate: 0.7, beta1: 0.8, beta2: 0.9, epsilon: 1e-10, meanScale: 11, squareScale: 12, decay: 0.13 },
};

/** Not in the types of ES2023 yet. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(array: Int32Array, index: number, value: number, milliseconds: number): { value: Promise<string> };
};

/** All arrays of a state, by name. */
function arraysOf(state: SharedState): [name: string, array: Float32Array | Float64Array | Int32Array | Uint32Array][] {
  const { weights, means, squares, averages, portions, order, rowsTaken, figures, arrivals, announced } = state;
  return [
    ...Object.entries({ weights, means, squares, averages, portions, order, rowsTaken, figures, arrivals, announced }),
    ...state.gradients.map((array, i) => [`gradients ${i}`, array] as [string, Float32Array]),
    ...state.inputs.map((array, i) => [`inputs ${i}`, array] as [string, Float32Array]),
  ];
}

describe('what threads share', () => {
  test('has space for everything in the layout, with weights at multiples of four', () => {
    const state = new SharedState(layout);
    expect(state.starts).toEqual([0, 8, 12, 16]);
    expect(Object.fromEntries(arraysOf(state).map(([name, { length }]) => [name, length]))).toEqual({
      ...{ weights: 16, means: 12, squares: 12, averages: 12 },
      ...{ 'gradients 0': 16, 'gradients 1': 16, 'gradients 2': 16 },
      ...{ portions: 3, order: 7, 'inputs 0': 18, 'inputs 1': 18, figures: 6 },
      ...{ rowsTaken: 2, arrivals: 1, announced: 1 },
    });
    expect(state.layout).toBe(layout);
    expect(new SharedState({ ...layout, averaged: false }).averages).toHaveLength(0);
  });

  test('is one memory of the required size, which never changes', () => {
    const { memory } = new SharedState(layout);
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(memory.buffer.byteLength).toBe(65_536);
    expect(() => memory.grow(1)).toThrow(RangeError);
    // Two inputs of 3 * 6000 numbers, 72,000 bytes each, and less than 4096 bytes of all else: three pages.
    expect(new SharedState({ ...layout, inputSize: 6000 }).memory.buffer.byteLength).toBe(3 * 65_536);
  });

  test('has arrays that do not overlap, and that begin on cache lines', () => {
    const state = new SharedState(layout);
    const arrays = arraysOf(state);
    for (const [i, [, array]] of arrays.entries()) array.fill(i + 1);
    for (const [i, [name, array]] of arrays.entries()) {
      expect(array.byteOffset % 64, name).toBe(0);
      expect(Array.from(array), name).toEqual(Array(array.length).fill(i + 1));
    }
    state.announce(step);
    for (const [i, [name, array]] of arrays.entries()) {
      if (name === 'rowsTaken') expect(Array.from(array)).toEqual([0, 0]);
      else if (name === 'announced') expect(array[0]).toBe(i + 2);
      else expect(Array.from(array), name).toEqual(Array(array.length).fill(i + 1));
    }
  });

  test('is the same for every thread: what one announces, the others read', () => {
    const state = new SharedState(layout);
    const other = new SharedState(layout, state.memory);
    expect(other.memory).toBe(state.memory);
    state.announce(step);
    expect(other.announcement()).toEqual(step);
    for (const [i, [, array]] of arraysOf(state).entries()) array.fill(i + 1);
    for (const [i, [name, array]] of arraysOf(other).entries()) {
      expect(Array.from(array), name).toEqual(Array(array.length).fill(i + 1));
    }
  });

  test('an announcement wakes the threads that wait for it', async () => {
    const state = new SharedState(layout);
    const waiting = waitAsync(state.announced, 0, 0, 5000);
    state.announce(step);
    expect(await waiting.value).toBe('ok');
  });
});
