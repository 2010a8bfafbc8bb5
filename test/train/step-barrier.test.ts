import { expect, test } from 'vitest';
import { StepBarrier } from '../../src/train/step-barrier.js';

const shared = () => new Int32Array(new SharedArrayBuffer(4));

test('nobody passes the barrier before all have arrived, round after round', () => {
  const arrivals = shared();
  const [a, b] = [new StepBarrier(arrivals, 2), new StepBarrier(arrivals, 2)];
  for (let round = 0; round < 3; round++) {
    a.arrive();
    expect(a.wait(1)).toBe(false);
    b.arrive();
    expect(a.wait()).toBe(true);
    expect(b.wait()).toBe(true);
  }
});
