import { inject } from 'vitest';
import type { Engine } from './browsers.js';
import { type EnginePage, openPage } from './engines.js';
import { type Served, serveStatic } from './servers.js';

/** `engines.html` of the installed package in one engine, which all test files share. */
export interface PackagePage extends EnginePage {
  /** Where the installed package's folder is served, with a trailing slash. */
  address: string;
}

/**
 * Opens `engines.html`, with `lite` and `fer` as globals, or gives the page that another test file opened: each would load and
 * compile TF.js anew. It ends with the process. The site must have been prepared in the folder of the installed package.
 */
export function packagePage(engine: Engine): Promise<PackagePage> {
  if (!pages.has(engine)) pages.set(engine, open(engine));
  return pages.get(engine)!;
}

const pages = new Map<Engine, Promise<PackagePage>>();
let served: Promise<Served> | undefined;

async function open(engine: Engine): Promise<PackagePage> {
  served ??= serveStatic(inject('consumer').folder);
  const address = (await served).url;
  const page = await openPage(engine, `${address}engines.html`);
  await page.waitFor(() => 'lite' in globalThis);
  return { ...page, address };
}
