import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT, nightTest, rows } from '../night.js';
import { check, haveChromium, openTab, sharedChromium, type Tab } from './chromium.js';
import { type Served, serveStatic, serveVite, serveViteBuild } from './servers.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');
const suite = describe.runIf(haveChromium);
const indexPage = (route: Route) =>
  route.fulfill({ status: 200, contentType: 'text/html', body: `<!doctype html>${' '.repeat(200_000)}` });
const notFound = (route: Route) => route.fulfill({ status: 404 });

let browser: Browser;
let inNode: Record<string, number[]>;

beforeAll(async () => {
  if (!haveChromium) return;
  browser = await sharedChromium();
  inNode = await prepareSite(folder);
});

if (!NIGHT)
  leftOut(
    "missing files, on Vite's server; most of them on its build; one of two answers a layout; base paths one by one",
    '1',
  );
const answers = [
  { what: 'answered by an index page', answer: indexPage },
  { what: 'not found', answer: notFound },
];
// By day, each of the first two layouts has one of the two answers.
const layouts = [
  { name: 'a static page', page: 'static.html', serve: serveStatic, byDay: answers.slice(0, 1), whole: true },
  { name: 'a build by Vite', page: '', serve: serveViteBuild, byDay: answers.slice(1) },
  { name: "Vite's development server", page: '', serve: serveVite, byDay: [] },
].slice(0, NIGHT ? 3 : 2);

suite.each(layouts)('missing files of the package, on $name', ({ page, serve, byDay, whole = NIGHT }) => {
  let served: Served;

  beforeAll(async () => {
    served = await serve(folder);
  });
  afterAll(() => served?.close());

  test.each(NIGHT ? answers : byDay)(
    'binaries $what: classify continues with cpu and warns once',
    async ({ answer }) => {
      const tab = await tabWith(`${served.url}${page}`, { '**/*.wasm*': answer });
      for (let i = 0; i < 2; i++) {
        const { list, used } = await check<Found>(tab, 'tab', 'classifyWithoutSetup', 'face.png');
        expect(used).toBe('cpu');
        expectClose(list, inNode['face.png'], 1e-5);
      }
      expect(tab.warnings).toHaveLength(1);
      expect(tab.warnings[0]).toMatch(/fer-dcnn: backend 'wasm' cannot be used, falling back to 'cpu'/);
      await tab.page.close();
    },
  );

  test.runIf(whole)('a wrong address in assets is refused, and a right one works afterwards', async () => {
    const tab = await tabWith(`${served.url}${page}`, {
      '**/*.wasm*': (route) => (route.request().url().includes('/elsewhere/') ? elsewhere(route) : notFound(route)),
      // All binaries are looked for there, the weights too.
      '**/elsewhere/*.bin': elsewhere,
    });
    const useWasm = (assets: string) => check(tab, 'tab', 'failure', 'useBackend', 'wasm', { assets });
    expect(await useWasm('/nowhere/')).toBe('WASM_UNREACHABLE');
    expect(await useWasm('/elsewhere/')).toBeNull();
    const { used } = await check<Found>(tab, 'tab', 'classifyWithoutSetup', 'face.png');
    expect(used).toBe('wasm');
    await tab.page.close();
  });

  test.runIf(whole)('missing or damaged weights give an error code, and load when they are back', async () => {
    let answer: (route: Route) => Promise<void> = indexPage;
    const tab = await tabWith(`${served.url}${page}`, { '**/weights*.bin*': (route) => answer(route) });
    expect(await check(tab, 'tab', 'failure', 'weights')).toBe('WEIGHTS_UNREACHABLE');
    answer = notFound;
    expect(await check(tab, 'tab', 'failure', 'weights')).toBe('WEIGHTS_UNREACHABLE');
    answer = (route) => route.fulfill({ body: Buffer.alloc(300_000) });
    expect(await check(tab, 'tab', 'failure', 'weights')).toBe('WEIGHTS_CORRUPT');
    answer = (route) => route.continue();
    expect(await check(tab, 'tab', 'failure', 'weights')).toBeNull();
    await tab.page.close();
  });
});

suite('other places', () => {
  test('a page that is isolated across origins runs TF.js on threads', async () => {
    const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    const served = await serveStatic(folder, { headers });
    const tab = await tabWith(`${served.url}static.html`);
    await expectRightAnswer(tab);
    const losses = await check<number[]>(tab, 'tab', 'train');
    expect(losses.at(-1)).toBeLessThan(losses[0]);
    expect(tab.requests.some((url) => url.endsWith('tfjs-backend-wasm-threaded-simd.wasm'))).toBe(true);
    // Not the composed path: the kernels have a build for memory that threads share.
    expect(await check(tab, 'tab', 'kernels')).toBe('relaxed-simd');
    expect(tab.requests.some((url) => url.endsWith('training-relaxed-shared.wasm'))).toBe(true);
    await tab.page.close();
    await served.close();
  });

  test.each(rows([{ base: '/app/' }, {}], 1))(
    "a monorepo, the package in the root's node_modules, under Vite's development server: %j",
    async (options) => {
      const app = join(folder, 'apps/web');
      mkdirSync(app, { recursive: true });
      await prepareSite(app);
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, workspaces: ['apps/*'] }));
      writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, name: 'web' }));
      const served = await serveVite(app, options);
      const tab = await tabWith(served.url, {
        '**/face.png': (route) => route.fulfill({ path: join(folder, 'face.png') }),
      });
      await expectRightAnswer(tab);
      expect(tab.warnings).toEqual([]);
      await tab.page.close();
      await served.close();
    },
  );

  nightTest("a build by Vite with base './', served from a folder", async () => {
    const moved = join(folder, 'public/app');
    const served = await serveViteBuild(folder, { base: './', build: { outDir: moved, copyPublicDir: false } });
    await served.close();
    const elsewhere = await serveStatic(join(folder, 'public'));
    const tab = await tabWith(`${elsewhere.url}app/index.html`);
    await expectRightAnswer(tab);
    await tab.page.close();
    await elsewhere.close();
  });

  nightTest("Vite's development server with a base path", async () => {
    const served = await serveVite(folder, { base: '/app/' });
    const tab = await tabWith(served.url, {
      '**/face.png': (route) => route.fulfill({ path: join(folder, 'face.png') }),
    });
    await expectRightAnswer(tab);
    await tab.page.close();
    await served.close();
  });
});

interface Found {
  list: number[];
  used: string;
}

async function tabWith(url: string, routes: Record<string, (route: Route) => Promise<void>> = {}): Promise<Tab> {
  return openTab(browser, url, async (page) => {
    for (const [pattern, answer] of Object.entries(routes)) await page.route(pattern, answer);
  });
}

function elsewhere(route: Route): Promise<void> {
  const name = new URL(route.request().url()).pathname.split('/').at(-1)!;
  const part = name.endsWith('.wasm') ? 'dist/wasm' : 'weights';
  return route.fulfill({ path: join(folder, 'node_modules/fer-dcnn', part, name) });
}

async function expectRightAnswer(tab: Tab): Promise<void> {
  const { list, used } = await check<Found>(tab, 'tab', 'classifyWithoutSetup', 'face.png');
  expect(used).toBe('none');
  expectClose(list, inNode['face.png'], 1e-5);
  expect(tab.outside).toEqual([]);
  expect(tab.errors).toEqual([]);
}
