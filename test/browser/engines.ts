import { browsers, type Engine } from './browsers.js';
import { endChromium } from './chromium.js';
import { openInChromium } from './open-in-chromium.js';
import { endFirefox, openInFirefox } from './open-in-firefox.js';
import { endWebKit, openInWebKit } from './open-in-webkit.js';

export interface OpenPageOptions {
  /**
   * Size of the window's content in CSS pixels. WebKit's test browser is at least 447 wide.
   * @default { width: 1280, height: 720 }
   */
  viewport?: { width: number; height: number };
  /**
   * The colour scheme that the page's style sheets see.
   * @default 'light'
   */
  colorScheme?: 'light' | 'dark';
  /**
   * Whether Firefox disguises what it is and what a canvas holds; no other engine here can.
   * @default false
   */
  resistFingerprinting?: boolean;
}

/** A page, in the browser that all pages with the usual options share. */
export interface EnginePage {
  /** Uncaught errors and logged errors; in WebKit, only those after the page was loaded. */
  errors(): Promise<string[]>;
  goto(url: string): Promise<void>;
  /** Runs a function of the page, with arguments and a result that JSON holds; waits for its promise. */
  evaluate<Args extends unknown[], Result>(
    call: (...args: Args) => Result | Promise<Result>,
    ...args: Args
  ): Promise<Result>;
  /** Waits until the function gives something true. @throws after two minutes. */
  waitFor<Args extends unknown[]>(call: (...args: Args) => unknown, ...args: Args): Promise<void>;
  click(selector: string): Promise<void>;
  /** Presses a key where the focus is: a character, or a name such as `Tab`, `Enter`, `Space`, `ArrowRight`. */
  press(key: string): Promise<void>;
  /** Puts files into an `<input type="file">`. */
  setFiles(selector: string, paths: string[]): Promise<void>;
  setViewport(size: { width: number; height: number }): Promise<void>;
  /** A PNG of the window's content. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What one of `open-in-*.ts` does. */
export type OpenPage = (paths: string[], options: Required<OpenPageOptions>) => Promise<EnginePage>;

/** The engines on this machine; which are missing is said loudly. */
export const engines = (Object.keys(browsers) as Engine[]).filter((engine) => {
  const { paths, packages } = browsers[engine];
  if (paths === null) {
    console.warn(`\n  !! SKIPPED: no ${engine}, so nothing was tested in it (Debian: apt-get install ${packages}).\n`);
  }
  return paths !== null;
});

/**
 * Opens a page in an engine.
 *
 * @example
 * const page = await openPage('firefox', served.url);
 * expect(await page.evaluate((name) => document.querySelector(name)?.textContent, 'h1')).toBe('Hello');
 * await page.close();
 */
export async function openPage(engine: Engine, url: string, options: OpenPageOptions = {}): Promise<EnginePage> {
  const { viewport = { width: 1280, height: 720 }, colorScheme = 'light', resistFingerprinting = false } = options;
  const page = await OPEN[engine](browsers[engine].paths!, { viewport, colorScheme, resistFingerprinting });
  try {
    await page.goto(url);
  } catch (error) {
    await page.close();
    throw error;
  }
  return page;
}

const OPEN: Record<Engine, OpenPage> = { chromium: openInChromium, firefox: openInFirefox, webkit: openInWebKit };

/** Ends the browsers that pages share, for a program that goes on or ends by itself; test files need not. */
export async function endBrowsers(): Promise<void> {
  for (const end of [endChromium, endFirefox, endWebKit]) await end();
}
