import { pathToFileURL } from 'node:url';

/** The engine of a browser: that of Chrome and Edge, of Firefox, of Safari. */
export type Engine = 'chromium' | 'firefox' | 'webkit';

const { findBrowsers } = (await import(pathToFileURL('scripts/browsers.mjs').href)) as {
  findBrowsers(): Record<Engine, { paths: string[] | null; packages: string }>;
};

/** The browsers of this machine: their programs, or null, and how Debian calls their packages. */
export const browsers = findBrowsers();
