import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../../src/platform/byte-budget.js';

/** Whether a promise is settled once all that can go on has gone on. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('a budget of bytes', () => {
  test('admits what fits, and the rest in turn when bytes are returned', async () => {
    const budget = new ByteBudget(10);
    await budget.take(6);
    await budget.take(4);
    const [third, fourth] = [budget.take(5), budget.take(1)];
    expect(await isSettled(third)).toBe(false);
    // It would fit, but it is not its turn.
    budget.give(4);
    expect(await isSettled(third)).toBe(false);
    expect(await isSettled(fourth)).toBe(false);
    budget.give(6);
    expect(await isSettled(third)).toBe(true);
    expect(await isSettled(fourth)).toBe(true);
    const fifth = budget.take(5);
    expect(await isSettled(fifth)).toBe(false);
    budget.give(1);
    expect(await isSettled(fifth)).toBe(true);
  });

  test('admits an item larger than the whole budget, alone', async () => {
    const budget = new ByteBudget(10);
    await budget.take(99);
    const next = budget.take(1);
    expect(await isSettled(next)).toBe(false);
    budget.give(99);
    expect(await isSettled(next)).toBe(true);
  });

  test('forgets items that no longer wait', async () => {
    const budget = new ByteBudget(10);
    await expect(budget.take(1, AbortSignal.abort('late'))).rejects.toBe('late');
    await budget.take(9);
    const controller = new AbortController();
    const waiting = budget.take(5, controller.signal);
    const behind = budget.take(1);
    expect(await isSettled(behind)).toBe(false);
    controller.abort('stopped');
    await expect(waiting).rejects.toBe('stopped');
    expect(await isSettled(behind)).toBe(true);
    budget.give(10);
    await budget.take(10, new AbortController().signal);
    const last = budget.take(1, controller.signal);
    await expect(last).rejects.toBe('stopped');
  });
});
