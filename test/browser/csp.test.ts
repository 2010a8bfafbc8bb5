import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { check, haveChromium, openTab, startChromium, type Tab } from './chromium.js';
import { type Served, serveStatic } from './servers.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');
const site = join(folder, 'strict');

const STRICT =
  "default-src 'none'; connect-src 'self'; worker-src 'self'; img-src 'self' data: blob:; script-src 'self'";

let browser: Browser;
let inNode: Record<string, number[]>;

describe.runIf(haveChromium)('a page with a strict Content-Security-Policy', () => {
  beforeAll(async () => {
    browser = await startChromium();
    inNode = await prepareSite(folder);
    cpSync('test/browser/site', site, { recursive: true });
    cpSync(join(folder, 'public'), join(site, 'public'), { recursive: true });
    await build({ root: site, configFile: false, logLevel: 'error' });
  });
  afterAll(() => browser?.close());

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
    expect(violations).toEqual([]);
    expect(tab.errors).toEqual([]);

    // The log of requests: the page's own files, which Vite put there with the package's, and the picture. Nothing else.
    const built = new Set(['', 'face.png', ...readdirSync(join(site, 'dist/assets')).map((name) => `assets/${name}`)]);
    const asked = tab.requests.filter((url) => !url.startsWith('data:') && !url.startsWith('blob:'));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((url) => !url.startsWith(served.url) || !built.has(url.slice(served.url.length)))).toEqual([]);
    expect(tab.outside).toEqual([]);
    await close(tab, served);
  });

  test('without it: goes on with cpu, and says so once', async () => {
    const { tab, served } = await openStrict(STRICT);
    const { list } = await check<{ list: number[] }>(tab, 'tab', 'classifyWithoutSetup', 'face.png');
    expectClose(list, inNode['face.png'], 1e-5);
    await check(tab, 'tab', 'classifyWithoutSetup', 'face.png');
    expect(tab.warnings.filter((text) => text.includes('fer-dcnn'))).toHaveLength(1);
    expect(await check(tab, 'tab', 'failure', 'useBackend', 'wasm')).toBe('BACKEND_UNAVAILABLE');
    await close(tab, served);
  });
});

// --- below this line: helpers of this file alone ---

/** The built page under that policy; what the policy kept it from is collected. */
async function openStrict(policy: string): Promise<{ tab: Tab; violations: string[]; served: Served }> {
  const served = await serveStatic(join(site, 'dist'), {
    headers: { 'content-security-policy': policy },
    fallback: 'index.html',
  });
  const violations: string[] = [];
  const tab = await openTab(browser, served.url, async (page: Page) => {
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

async function close(tab: Tab, served: Served): Promise<void> {
  await tab.page.close();
  await served.close();
}
