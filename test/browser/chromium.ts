import { type Browser, chromium, type Page } from 'playwright-core';
import { browsers } from './browsers.js';
import { PATIENCE } from './patience.js';

export const [executablePath] = browsers.chromium.paths ?? [];

/** Whether there is a Chromium to test with; when not, that is said loudly. */
export const haveChromium = executablePath !== undefined;
if (!haveChromium) {
  console.warn(`
  !! SKIPPED: no Chromium, so nothing was tested in a browser.
  !! Install it (Debian: apt-get install ${browsers.chromium.packages}) or name its place in CHROMIUM_PATH.
`);
}

/**
 * Parts of Chromium that no test needs. The two of the address bar's menu are pages of their own: with each tab they cost more
 * than the page in it. The others are those that Playwright switches off; the last such flag alone counts.
 */
const WITHOUT = [
  ...['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup'],
  ...['AimEnabled', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades'],
  ...['HttpsFirstBalancedModeAutoEnable', 'LensOverlay', 'MediaRouter', 'NetworkTimeServiceQuerying'],
  ...['OptimizationHints', 'PaintHolding', 'PreconnectToSearch', 'ThirdPartyStoragePartitioning'],
];

/** The flags of every Chromium of the tests. */
export const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-sync', '--disable-background-networking'],
  ...['--disable-component-update', `--disable-features=${WITHOUT.join(',')}`],
];

/** @param more - Flags beside the usual ones. */
export function startChromium(more: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...more] });
}

let shared: Promise<Browser> | undefined;

/** The one Chromium of all test files that need no flags. It ends with their process: close pages and contexts only. */
export function sharedChromium(): Promise<Browser> {
  shared ??= startChromium();
  return shared;
}

export async function endChromium(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/** A tab, and what it did that it should not: errors on the console, requests to other machines. */
export interface Tab {
  page: Page;
  errors: string[];
  warnings: string[];
  outside: string[];
  requests: string[];
}

/**
 * Opens a page and waits until it offers its checks.
 *
 * @param before - Sets the tab up before the page is loaded.
 */
export async function openTab(
  browser: Browser,
  url: string,
  before: (page: Page) => Promise<void> = async () => {},
): Promise<Tab> {
  const page = await browser.newPage();
  await before(page);
  const tab: Tab = { page, errors: [], warnings: [], outside: [], requests: [] };
  page.on('pageerror', (error) => tab.errors.push(`${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error') tab.errors.push(`${message.text()} ${message.location().url}`);
    if (message.type() === 'warning') tab.warnings.push(message.text());
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    tab.requests.push(request.url());
    if (!['data:', 'blob:'].includes(protocol) && hostname !== '127.0.0.1') tab.outside.push(request.url());
  });
  await page.goto(url);
  await page
    .waitForFunction(() => 'checks' in globalThis, undefined, { timeout: PATIENCE })
    .catch((error) => {
      throw new Error(`${url} offers no checks: ${tab.errors.join('\n')}`, { cause: error });
    });
  return tab;
}

/** Calls one of the checks in the tab, or in the tab's worker. */
export function check<T>({ page }: Tab, where: 'tab' | 'worker', name: string, ...args: unknown[]): Promise<T> {
  const call = { where, name, args };
  return page.evaluate(({ where, name, args }) => {
    // biome-ignore lint/suspicious/noExplicitAny: what site/checks.js put there
    const { checks, inWorker } = globalThis as any;
    return where === 'worker' ? inWorker(name, ...args) : checks[name](...args);
  }, call) as Promise<T>;
}
