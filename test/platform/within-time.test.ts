import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { timeoutOf, withinTime } from '../../src/platform/within-time.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('withinTime', () => {
  test('returns the result of the work, and its errors', async () => {
    expect(await withinTime(Promise.resolve(5), 1000, 'it')).toBe(5);
    expect(await withinTime(sleep(5, 'late'), Number.POSITIVE_INFINITY, 'it')).toBe('late');
    await expect(withinTime(Promise.reject(new Error('broken')), 1000, 'it')).rejects.toThrow('broken');
  });

  test('work that takes longer times out with its name, and its late result is passed on', async () => {
    const late: string[] = [];
    const work = sleep(60, 'pixels');
    const waiting = withinTime(work, 10, 'slow.avif', (value) => late.push(value));
    await expect(waiting).rejects.toMatchObject({
      name: 'FerError',
      code: 'TIMEOUT',
      message: 'slow.avif took longer to decode than 10 ms; maxMilliseconds raises the limit',
    });
    expect(late).toEqual([]);
    await work;
    await sleep(0);
    expect(late).toEqual(['pixels']);
  });

  test('work that blocks the thread, so that no timer can fire, still times out', async () => {
    const late: string[] = [];
    const work = Promise.resolve().then(() => {
      const begin = performance.now();
      while (performance.now() - begin < 20);
      return 'pixels';
    });
    const waiting = withinTime(work, 5, 'it', (value) => late.push(value));
    await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(late).toEqual(['pixels']);
  });

  test('work that fails after the time is up is not an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const work = sleep(20).then(() => {
      throw new Error('too late');
    });
    await expect(withinTime(work, 5, 'it')).rejects.toMatchObject({ code: 'TIMEOUT' });
    await sleep(40);
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  test('a limit beyond the range of timers does not become a millisecond', async () => {
    expect(await withinTime(sleep(20, 'done'), 1e12, 'it')).toBe('done');
  });

  test('no timer outlives the work, and without a limit no timer is set', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    await withinTime(Promise.resolve(5), Number.POSITIVE_INFINITY, 'it');
    expect(set).not.toHaveBeenCalled();
    await withinTime(Promise.resolve(5), 1000, 'it');
    await withinTime(Promise.reject(new Error('broken')), 1000, 'it').catch(() => {});
    expect(set).toHaveBeenCalledTimes(2);
    for (const { value } of set.mock.results) expect(cleared).toHaveBeenCalledWith(value);
  });

  test('what is thrown names the cause, where there is one', () => {
    const cause = new Error('stopped');
    expect(timeoutOf('face.gif', 250, cause)).toMatchObject({
      code: 'TIMEOUT',
      message: 'face.gif took longer to decode than 250 ms; maxMilliseconds raises the limit',
      cause,
    });
  });
});
