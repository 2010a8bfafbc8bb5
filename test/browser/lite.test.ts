import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT } from '../night.js';
import { check, haveChromium, openTab, sharedChromium } from './chromium.js';
import { type Served, serveStatic, serveVite, serveViteBuild } from './servers.js';
import { expectClose, prepareSite, writeLitePages } from './site.js';

const { folder } = inject('consumer');
const site = join(folder, 'lite');

// By day, csp.test.ts checks the build by Vite, under a strict policy.
if (!NIGHT) leftOut("fer-dcnn/lite built by Vite, without a policy, and on Vite's development server", '1');
const layouts = [
  { name: 'a static page', serve: serveStatic, lite: './node_modules/fer-dcnn/dist/standalone/lite.js' },
  { name: 'a build by Vite', serve: serveViteBuild, lite: 'fer-dcnn/lite' },
  { name: "Vite's development server", serve: serveVite, lite: 'fer-dcnn/lite' },
].slice(0, NIGHT ? 3 : 1);

let browser: Browser;
let inNode: Record<string, number[]>;

describe.runIf(haveChromium)('fer-dcnn/lite, packed', () => {
  beforeAll(async () => {
    browser = await sharedChromium();
    inNode = await prepareSite(site);
    // Without it, Vite's server gives out nothing from above the site's own folder.
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, workspaces: ['apps/*', 'lite'] }));
  });

  test.each(layouts)(
    'classifies on $name, in the page and in a worker, without TF.js',
    async ({ name, serve, lite }) => {
      const isStatic = name === 'a static page';
      writeLitePages(isStatic ? folder : site, lite);
      const served: Served = await serve(isStatic ? folder : site);
      const tab = await openTab(browser, `${served.url}index.html`);
      for (const place of ['tab', 'worker'] as const) {
        const { list, bytes } = await check<{ list: number[]; bytes: number[] }>(tab, place, 'lite');
        expectClose(list, inNode['face.png'], 1e-5);
        expectClose(bytes, inNode['face.png'], 1e-5);
      }
      expect(tab.requests.filter((url) => /tfjs|tensorflow/.test(url))).toEqual([]);
      expect(tab.requests.filter((url) => /network-\w+.*\.wasm/.test(url)).length).toBeGreaterThan(0);
      expect(tab.outside).toEqual([]);
      expect(tab.errors).toEqual([]);
      expect(tab.warnings).toEqual([]);
      await tab.page.close();
      await served.close();
    },
  );
});
