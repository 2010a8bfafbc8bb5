import { type Browser, type ElementHandle, type KeyInput, launch } from 'puppeteer-core';
import type { OpenPage } from './engines.js';
import { PATIENCE } from './patience.js';

/** The Firefox of all tests that ask for no preferences. It ends with their process. */
let shared: Promise<Browser> | undefined;

/** Firefox, by puppeteer-core and WebDriver BiDi. */
export const openInFirefox: OpenPage = async ([executablePath], { viewport, colorScheme, resistFingerprinting }) => {
  const usual = colorScheme === 'light' && !resistFingerprinting;
  const start = () =>
    launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      extraPrefsFirefox: {
        // 0 is dark, 1 is light.
        'layout.css.prefers-color-scheme.content-override': colorScheme === 'dark' ? 0 : 1,
        'privacy.resistFingerprinting': resistFingerprinting,
      },
    });
  if (usual) shared ??= start();
  const browser = await (usual ? shared! : start());
  const page = await browser.newPage();
  await page.setViewport(viewport);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error instanceof Error ? (error.stack ?? error.message) : `${error}`));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return {
    errors: async () => errors,
    goto: async (url) => void (await page.goto(url)),
    evaluate: (call, ...args) => page.evaluate(`(${call})(...${JSON.stringify(args)})`) as never,
    waitFor: async (call, ...args) => {
      const done = await page.waitForFunction(`(${call})(...${JSON.stringify(args)})`, { timeout: PATIENCE });
      await done.dispose();
    },
    click: (selector) => page.click(selector),
    press: (key) => page.keyboard.press((key === 'Space' ? ' ' : key) as KeyInput),
    async setFiles(selector, paths) {
      const input = await page.locator(selector).waitHandle();
      await (input as ElementHandle<HTMLInputElement>).uploadFile(...paths);
    },
    setViewport: (size) => page.setViewport(size),
    screenshot: () => page.screenshot(),
    close: () => (usual ? page.close() : browser.close()),
  };
};

export async function endFirefox(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}
