import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { check, haveChromium, openTab, sharedChromium, type Tab } from './chromium.js';
import { type Served, serveStatic, viteBuild } from './servers.js';
import { expectClose, prepareSite, writeLitePages } from './site.js';

/** The sites of layouts.test.ts and lite.test.ts, which are built once for both. */
const { folder: site } = inject('consumer');
const liteSite = join(site, 'lite');

const STRICT =
  "default-src 'none'; connect-src 'self'; worker-src 'self'; img-src 'self' data: blob:; script-src 'self'";

let browser: Browser;
let inNode: Record<string, number[]>;

describe.runIf(haveChromium)('a page with a strict Content-Security-Policy', () => {
  beforeAll(async () => {
    browser = await sharedChromium();
    inNode = await prepareSite(site);
    await viteBuild(site);
    await prepareSite(liteSite);
    writeLitePages(liteSite, 'fer-dcnn/lite');
    await viteBuild(liteSite);
  });

  test("with 'wasm-unsafe-eval': classifies on every backend, in the page and in a worker, and asks for nothing else", async () => {
    const { tab, violations, served } = await openStrict(`${STRICT} 'wasm-unsafe-eval'`);
    for (const place of ['tab', 'worker'] as const) {
      const { list, used } = await check<{ list: number[]; used: string }>(
        tab,
        place,
        'classifyWithoutSetup',
        'face.png',
      );
      expect(used).toBe('none');
      expectClose(list, inNode['face.png'], 1e-5);
      for (const backend of ['wasm', 'cpu']) {
        const { lists } = await check<{ lists: Record<string, number[]> }>(tab, place, 'classify', 'face.png', backend);
        expect(Object.keys(lists).length).toBeGreaterThan(1);
        for (const kind of Object.keys(lists)) expectClose(lists[kind], inNode['face.png'], 1e-5);
      }
    }
    await expectStrict(tab, violations);
    expectOwnFilesAlone(tab, site, served);
    await close(tab, served);
  });

  test("fer-dcnn/lite, with 'wasm-unsafe-eval': classifies in the page and in a worker, and asks for nothing else", async () => {
    const { tab, violations, served } = await openStrict(`${STRICT} 'wasm-unsafe-eval'`, liteSite);
    for (const place of ['tab', 'worker'] as const) {
      const { list, bytes } = await check<{ list: number[]; bytes: number[] }>(tab, place, 'lite');
      expectClose(list, inNode['face.png'], 1e-5);
      expectClose(bytes, inNode['face.png'], 1e-5);
    }
    expect(tab.requests.filter((url) => /tfjs|tensorflow/.test(url))).toEqual([]);
    expect(tab.requests.filter((url) => /network-\w+.*\.wasm/.test(url)).length).toBeGreaterThan(0);
    await expectStrict(tab, violations);
    expectOwnFilesAlone(tab, liteSite, served);
    await close(tab, served);
  });

  test("fer-dcnn/lite, without 'wasm-unsafe-eval', still classifies, in the page and in a worker", async () => {
    const { tab, violations, served } = await openStrict(STRICT, liteSite);
    for (const place of ['tab', 'worker'] as const) {
      const { list, bytes } = await check<{ list: number[]; bytes: number[] }>(tab, place, 'lite');
      expectClose(list, inNode['face.png'], 1e-5);
      expectClose(bytes, inNode['face.png'], 1e-5);
    }
    expect(tab.warnings).toEqual([]);
    // Nothing but WebAssembly was asked for in vain, and no binary of it loaded.
    for (const seen of [violations, await check<string[]>(tab, 'worker', 'violations')]) {
      expect(new Set(seen)).toEqual(new Set(['script-src wasm-eval']));
    }
    expect(tab.requests.filter((url) => url.endsWith('.wasm'))).toEqual([]);
    await close(tab, served);
  });

  test("without 'wasm-unsafe-eval', still classifies, in the page and in a worker, and reports that wasm is unavailable", async () => {
    const { tab, violations, served } = await openStrict(STRICT);
    for (const place of ['tab', 'worker'] as const) {
      for (let times = 0; times < 2; times++) {
        const { list } = await check<{ list: number[] }>(tab, place, 'classifyWithoutSetup', 'face.png');
        expectClose(list, inNode['face.png'], 1e-5);
      }
    }
    expect(tab.warnings).toEqual([]);
    expect(await check(tab, 'tab', 'failure', 'useBackend', 'wasm')).toBe('BACKEND_UNAVAILABLE');
    // WebAssembly alone was kept from it; and the other tests, which want no violation, would see one in either place.
    for (const seen of [violations, await check<string[]>(tab, 'worker', 'violations')]) {
      expect(new Set(seen)).toEqual(new Set(['script-src wasm-eval']));
    }
    await close(tab, served);
  });
});

/** The built page under that policy; what the policy kept it from is collected. */
async function openStrict(policy: string, root = site): Promise<{ tab: Tab; violations: string[]; served: Served }> {
  const served = await serveStatic(join(root, 'dist'), { headers: { 'content-security-policy': policy } });
  const violations: string[] = [];
  const tab = await openTab(browser, `${served.url}index.html`, async (page: Page) => {
    await page.exposeFunction('onViolation', (text: string) => violations.push(text));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        (globalThis as unknown as { onViolation(text: string): void }).onViolation(
          `${violatedDirective} ${blockedURI}`,
        );
      });
    });
  });
  return { tab, violations, served };
}

/** The policy kept page and worker from nothing, and neither said a word. */
async function expectStrict(tab: Tab, violations: string[]): Promise<void> {
  expect(violations).toEqual([]);
  expect(await check(tab, 'worker', 'violations')).toEqual([]);
  expect(tab.errors).toEqual([]);
  expect(tab.warnings).toEqual([]);
}

/** The log of requests: the page's own files, which Vite put there with the package's, and the picture. Nothing else. */
function expectOwnFilesAlone(tab: Tab, root: string, served: Served): void {
  const files = readdirSync(join(root, 'dist/assets')).map((name) => `assets/${name}`);
  const built = new Set(['index.html', 'face.png', ...files]);
  const asked = tab.requests.filter((url) => !url.startsWith('data:') && !url.startsWith('blob:'));
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.filter((url) => !url.startsWith(served.url) || !built.has(url.slice(served.url.length)))).toEqual([]);
  expect(tab.outside).toEqual([]);
}

async function close(tab: Tab, served: Served): Promise<void> {
  await tab.page.close();
  await served.close();
}
