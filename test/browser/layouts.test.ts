import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { check, haveChromium, openTab, startChromium, type Tab } from './chromium.js';
import { type Served, serveStatic, serveVite, serveViteBuild } from './servers.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');

interface Layout {
  name: string;
  page: string;
  serve(folder: string): Promise<Served>;
  /** Where the code runs; an import map does not reach workers. */
  places: ('tab' | 'worker')[];
}

const layouts: Layout[] = [
  { name: 'a static page', page: 'static.html', serve: serveStatic, places: ['tab', 'worker'] },
  { name: 'an import map', page: 'import-map.html', serve: serveStatic, places: ['tab'] },
  { name: "Vite's development server", page: '', serve: serveVite, places: ['tab', 'worker'] },
  { name: 'a build by Vite', page: '', serve: serveViteBuild, places: ['tab', 'worker'] },
];

let browser: Browser;
let inNode: Record<string, number[]>;

describe.runIf(haveChromium).each(layouts)('the packed package on $name', ({ page, serve, places }) => {
  let served: Served;
  let tab: Tab;

  beforeAll(async () => {
    browser ??= await startChromium();
    inNode ??= await prepareSite(folder);
    served = await serve(folder);
    tab = await openTab(browser, served.url + page);
  });
  afterAll(async () => {
    await tab?.page.close();
    await served?.close();
  });

  test('classifies without any set-up, and without starting TF.js', async () => {
    const { list, used } = await check<{ list: number[]; used: string }>(
      tab,
      'tab',
      'classifyWithoutSetup',
      'face.png',
    );
    expect(used).toBe('none');
    expectClose(list, inNode['face.png'], 1e-5);
  });

  describe.each(places)('in a %s', (place) => {
    test.each([
      ['face.png', 'wasm', 1e-5],
      ['face.png', 'cpu', 1e-5],
      ['face.jpg', 'wasm', 1e-3],
    ])('%s on %s gives what Node gives, in every form', async (file, backend, tolerance) => {
      const { lists, used } = await check<Classified>(tab, place, 'classify', file, backend);
      expect(used).toBe(backend);
      expect(Object.keys(lists)).toHaveLength(place === 'tab' ? 9 : 7);
      for (const list of Object.values(lists)) expectClose(list, inNode[file], tolerance);
    });

    test('limits on images hold', async () => {
      expect(await check(tab, place, 'limits', 'face.png')).toEqual({
        bytes: ['taken', 'TOO_LARGE'],
        frames: ['taken', 'TOO_LARGE'],
        time: ['taken', 'TIMEOUT'],
      });
    });

    test('trains on wasm', async () => {
      const losses = await check<number[]>(tab, place, 'train');
      expect(losses.at(-1)).toBeLessThan(losses[0]);
      expect(await check(tab, place, 'kernels')).toBe('relaxed-simd');
    });
  });

  test('unknown and missing things are told by code', async () => {
    expect(await check(tab, 'tab', 'failure', 'useBackend', 'nothing')).toBe('BACKEND_UNKNOWN');
    expect(await check(tab, 'tab', 'failure', 'useBackend', 'webgpu')).toBe('PACKAGE_MISSING');
    expect(await check(tab, 'tab', 'failure', 'weights', { assets: { 'weights.bin': 'face.png' } })).toBe(
      'WEIGHTS_CORRUPT',
    );
    expect(await check(tab, 'tab', 'failure', 'classify', 'face.png')).toBe('INPUT');
  });

  test('nothing left this machine, and nothing was wrong on the console', () => {
    expect(tab.outside).toEqual([]);
    expect(tab.errors).toEqual([]);
    expect(tab.warnings).toEqual([]);
  });
});

afterAll(() => browser?.close());

interface Classified {
  lists: Record<string, number[]>;
  used: string;
}
