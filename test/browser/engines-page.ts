import { inject } from 'vitest';
import type { Engine } from './browsers.js';
import { type EnginePage, openPage } from './engines.js';
import { type Served, serveStatic } from './servers.js';

/** `engines.html` of the installed package in one engine. */
export interface PackagePage extends EnginePage {
  /** Where the installed package's folder is served, with a trailing slash. */
  address: string;
}

/** The page of one engine that all test files share, wherever it was left; it ends with the process. */
export function sharedPage(engine: Engine): Promise<EnginePage> {
  if (!pages.has(engine)) pages.set(engine, openPage(engine, 'about:blank'));
  return pages.get(engine)!;
}

/**
 * The shared page at `engines.html`, with `lite` and `fer` as globals. It stays loaded from test file to test file: TF.js is
 * compiled once. The site must have been prepared in the folder of the installed package.
 */
export async function packagePage(engine: Engine): Promise<PackagePage> {
  served ??= serveStatic(inject('consumer').folder);
  const address = (await served).url;
  const page = await sharedPage(engine);
  if ((await page.evaluate(() => location.href)) !== `${address}engines.html`) {
    await page.goto(`${address}engines.html`);
    await page.waitFor(() => 'lite' in globalThis);
  }
  return { ...page, address };
}

const pages = new Map<Engine, Promise<EnginePage>>();
let served: Promise<Served> | undefined;
