import { describe, expect, test, vi } from 'vitest';
import { loadedOnce } from '../../src/faces/loaded-once.js';

describe('loadedOnce', () => {
  test('loads once, at the first use, for any number of callers', async () => {
    const load = vi.fn(async () => ({ dispose() {}, answer: 42 }));
    const network = loadedOnce(load);
    expect(load).not.toHaveBeenCalled();
    const answers = await Promise.all([1, 2, 3].map(() => network.use(async ({ answer }) => answer)));
    expect(answers).toEqual([42, 42, 42]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  test('a load that failed is tried again', async () => {
    const load = vi.fn(async () => ({ dispose() {}, answer: 1 })).mockRejectedValueOnce(new Error('offline'));
    const network = loadedOnce(load);
    await expect(network.use(async () => 0)).rejects.toThrow('offline');
    expect(await network.use(async ({ answer }) => answer)).toBe(1);
  });

  test('is freed once, when the last use has ended, and refuses later use', async () => {
    const dispose = vi.fn();
    const network = loadedOnce(async () => ({ dispose }));
    let finish = () => {};
    const using = network.use(() => new Promise<string>((resolve) => (finish = () => resolve('done'))));
    await new Promise((resolve) => setTimeout(resolve, 0));
    network.dispose();
    network.dispose();
    await expect(network.use(async () => 0)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(dispose).not.toHaveBeenCalled();
    finish();
    expect(await using).toBe('done');
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  test('nothing is loaded only to be freed', async () => {
    const load = vi.fn(async () => ({ dispose() {} }));
    loadedOnce(load).dispose();
    expect(load).not.toHaveBeenCalled();
  });
});
