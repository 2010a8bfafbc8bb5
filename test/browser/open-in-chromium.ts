import { sharedChromium } from './chromium.js';
import type { OpenPage } from './engines.js';
import { PATIENCE } from './patience.js';

/** Chromium, by playwright-core. */
export const openInChromium: OpenPage = async (_, { viewport, colorScheme }) => {
  const browser = await sharedChromium();
  const page = await browser.newPage({ viewport, colorScheme });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(`${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return {
    errors: async () => errors,
    goto: async (url) => void (await page.goto(url)),
    evaluate: (call, ...args) => page.evaluate(`(${call})(...${JSON.stringify(args)})`),
    waitFor: async (call, ...args) =>
      void (await page.waitForFunction(`(${call})(...${JSON.stringify(args)})`, undefined, { timeout: PATIENCE })),
    click: (selector) => page.click(selector),
    press: (key) => page.keyboard.press(key),
    setFiles: (selector, paths) => page.setInputFiles(selector, paths),
    setViewport: (size) => page.setViewportSize(size),
    screenshot: () => page.screenshot(),
    close: () => page.close(),
  };
};
