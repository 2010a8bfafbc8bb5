import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT, rows } from '../night.js';
import { check, haveChromium, openTab, sharedChromium, type Tab } from './chromium.js';
import { type Served, serveStatic, serveVite, serveViteBuild } from './servers.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');

interface Layout {
  name: string;
  page: string;
  serve(folder: string): Promise<Served>;
  /** Where the code runs; an import map does not reach workers. */
  places: ('tab' | 'worker')[];
  /** Whether everything is tested by day, too. */
  whole?: boolean;
}

if (!NIGHT) {
  leftOut("an import map, Vite's development server", '1');
  leftOut('JPEG, the cpu backend, limits and training in the worker, but on a static page', '1');
}

const layouts: Layout[] = [
  { name: 'a static page', page: 'static.html', serve: serveStatic, places: ['tab', 'worker'], whole: true },
  { name: 'a build by Vite', page: '', serve: serveViteBuild, places: ['tab', 'worker'] },
  { name: 'an import map', page: 'import-map.html', serve: serveStatic, places: ['tab'] },
  { name: "Vite's development server", page: '', serve: serveVite, places: ['tab', 'worker'] },
];

let browser: Browser;
let inNode: Record<string, number[]>;

describe.runIf(haveChromium).each(rows(layouts, 2))(
  'the packed package on $name',
  ({ page, serve, places, whole = NIGHT }) => {
    let served: Served;
    let tab: Tab;

    beforeAll(async () => {
      browser ??= await sharedChromium();
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
      test.each(
        [
          { file: 'face.png', backend: 'wasm', tolerance: 1e-5 },
          { file: 'face.png', backend: 'cpu', tolerance: 1e-5 },
          { file: 'face.jpg', backend: 'wasm', tolerance: 1e-3 },
        ].slice(0, whole ? 3 : 1),
      )('$file on $backend gives the same as Node, in every form', async ({ file, backend, tolerance }) => {
        const { lists, used } = await check<Classified>(tab, place, 'classify', file, backend);
        expect(used).toBe(backend);
        expect(Object.keys(lists)).toHaveLength(place === 'tab' ? 9 : 7);
        for (const list of Object.values(lists)) expectClose(list, inNode[file], tolerance);
      });

      test.runIf(whole)('limits on images hold', async () => {
        expect(await check(tab, place, 'limits', 'face.png')).toEqual({
          bytes: ['taken', 'TOO_LARGE'],
          frames: ['taken', 'TOO_LARGE'],
          time: ['taken', 'TIMEOUT'],
        });
      });

      test.runIf(whole || place === 'tab')('trains on wasm', async () => {
        const losses = await check<number[]>(tab, place, 'train');
        expect(losses.at(-1)).toBeLessThan(losses[0]);
        expect(await check(tab, place, 'kernels')).toBe('relaxed-simd');
      });
    });

    test('what is unknown or missing gives an error code', async () => {
      expect(await check(tab, 'tab', 'failure', 'useBackend', 'nothing')).toBe('BACKEND_UNKNOWN');
      expect(await check(tab, 'tab', 'failure', 'useBackend', 'webgpu')).toBe('PACKAGE_MISSING');
      expect(await check(tab, 'tab', 'failure', 'weights', { assets: { 'weights.bin': 'face.png' } })).toBe(
        'WEIGHTS_CORRUPT',
      );
      expect(await check(tab, 'tab', 'failure', 'classify', 'face.png')).toBe('INPUT');
    });

    test('no request left this machine, and the console shows no error', () => {
      expect(tab.outside).toEqual([]);
      expect(tab.errors).toEqual([]);
      expect(tab.warnings).toEqual([]);
    });
  },
);

interface Classified {
  lists: Record<string, number[]>;
  used: string;
}
