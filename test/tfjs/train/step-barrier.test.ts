import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { StepBarrier } from '../../../src/tfjs/train/step-barrier.js';

const shared = () => new Int32Array(new SharedArrayBuffer(4));

/** Not in the types of ES2023 yet. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(array: Int32Array, index: number, value: number, milliseconds: number): { value: Promise<string> };
};

describe('the barrier', () => {
  test('no thread passes before all have arrived, round after round', () => {
    const arrivals = shared();
    const [a, b] = [new StepBarrier(arrivals, 2), new StepBarrier(arrivals, 2)];
    for (let round = 0; round < 3; round++) {
      a.arrive();
      expect(a.wait(1)).toBe(false);
      b.arrive();
      expect(a.wait(1)).toBe(true);
      expect(b.wait(1)).toBe(true);
    }
  });

  test('waits for a thread that is one round late', () => {
    const arrivals = shared();
    const [a, b] = [new StepBarrier(arrivals, 2), new StepBarrier(arrivals, 2)];
    a.arrive();
    b.arrive();
    b.arrive();
    // b is a round ahead: a, which has not yet waited for the first, passes that one all the same.
    expect(a.wait(0)).toBe(true);
    expect(b.wait(0)).toBe(false);
    a.arrive();
    expect(a.wait(0)).toBe(true);
    expect(b.wait(0)).toBe(true);
  });

  test('the last thread to arrive wakes the waiting ones, others do not', async () => {
    const arrivals = shared();
    const barriers = [0, 1, 2].map(() => new StepBarrier(arrivals, 3));
    const said: string[] = [];
    for (const barrier of barriers) {
      const waiting = waitAsync(arrivals, 0, Atomics.load(arrivals, 0), 20);
      barrier.arrive();
      said.push(await waiting.value);
    }
    expect(said).toEqual(['timed-out', 'timed-out', 'ok']);
  });

  test('continues to count when the arrivals no longer fit in 32 bits', () => {
    const many = 2 ** 30;
    const arrivals = shared();
    const barrier = new StepBarrier(arrivals, many);
    // Eight rounds pass both 2^31 and 2^32.
    for (let round = 0; round < 8; round++) {
      barrier.arrive();
      expect(barrier.wait(0)).toBe(false);
      Atomics.add(arrivals, 0, many - 2);
      expect(barrier.wait(0)).toBe(false);
      Atomics.add(arrivals, 0, 1);
      expect(barrier.wait(0)).toBe(true);
    }
  });

  test('the last to arrive wakes them at 2^31 arrivals too', async () => {
    const many = 2 ** 30;
    const arrivals = shared();
    const barrier = new StepBarrier(arrivals, many);
    for (let round = 0; round < 4; round++) {
      Atomics.add(arrivals, 0, many - 1);
      const waiting = waitAsync(arrivals, 0, Atomics.load(arrivals, 0), 5000);
      barrier.arrive();
      expect(await waiting.value).toBe('ok');
    }
  });

  test('a thread that wakes before all have arrived continues to wait', async () => {
    const arrivals = shared();
    const barrier = new StepBarrier(arrivals, 2);
    const other = new Worker(
      `const { workerData: arrivals } = require('node:worker_threads');
      const still = new Int32Array(new SharedArrayBuffer(4));
      // Wakes the others until one was asleep, then arrives.
      while (Atomics.notify(arrivals, 0) === 0) Atomics.wait(still, 0, 0, 1);
      Atomics.wait(still, 0, 0, 20);
      Atomics.add(arrivals, 0, 1);
      Atomics.notify(arrivals, 0);`,
      { eval: true, workerData: arrivals, execArgv: [] },
    );
    barrier.arrive();
    expect(barrier.wait()).toBe(true);
    expect(Atomics.load(arrivals, 0)).toBe(2);
    await other.terminate();
  });
});
