import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { announcer } from '../../examples/page-parts/announcer.js';

describe('announcer', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('announces the newest of sixty texts per second, once every four seconds', () => {
    const told: string[] = [];
    const region = {
      set textContent(text: string) {
        told.push(text);
      },
    } as HTMLElement;
    const live = announcer(region);
    for (let frame = 0; frame < 600; frame++) {
      live.later(`frame ${frame}`);
      vi.advanceTimersByTime(1000 / 60);
    }
    expect(told).toEqual([
      'frame 0',
      expect.stringMatching(/^frame 2[34]\d$/),
      expect.stringMatching(/^frame 4[78]\d$/),
    ]);
  });

  test('announces an action of the user at once, and nothing older after it', () => {
    const region = { textContent: '' } as HTMLElement;
    const live = announcer(region);
    live.later('one face');
    live.later('two faces');
    live.now('Stopped.');
    vi.advanceTimersByTime(10_000);
    expect(region.textContent).toBe('Stopped.');
  });
});
