import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { executablePath, FLAGS, haveChromium, sharedChromium } from './chromium.js';
import { type Served, serveStatic } from './servers.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');
const site = join(folder, 'standalone-site');
const installed = join(folder, 'node_modules/fer-dcnn');
const EMOTIONS = ['angry', 'happy', 'sad', 'neutral', 'surprised'];

/** What {@link workerSource} puts into a worker. */
interface Classifying {
  classifyAll(face: string): Promise<Answer[]>;
}

type Answer = { className: string; probability: number }[];

let browser: Browser;
let served: Served;
let expected: number[];

describe.runIf(haveChromium)('pages, workers and extensions without a bundler', () => {
  beforeAll(async () => {
    expected = (await prepareSite(site))['face.png'];
    cpSync(installed, join(site, 'fer-dcnn'), { recursive: true });
    // As a deployment lays them out: every binary in one folder.
    mkdirSync(join(site, 'binaries'));
    for (const part of ['dist/wasm', 'dist/faces', 'weights']) {
      for (const file of readdirSync(join(installed, part))) {
        if (/\.(wasm|bin)$/.test(file)) cpSync(join(installed, part, file), join(site, 'binaries', file));
      }
    }
    served = await serveStatic(site, {
      aliases: {
        '/npm/fer-dcnn@0.1.0': '/fer-dcnn/dist/standalone/fer-dcnn.global.js',
        '/npm/fer-dcnn@0.1.0/': '/fer-dcnn/',
      },
    });
    browser = await sharedChromium();
  });
  afterAll(async () => {
    await served?.close();
  });

  test('a classic script offers window.ferDcnn, with TF.js inside', async () => {
    const page = await pageOf('<script src="./fer-dcnn/dist/standalone/fer-dcnn.global.js"></script>');
    expectLike(await page.evaluate(CLASSIFY_BY_GLOBAL, 'ferDcnn'));
    const trained = await page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: the global of the classic script
      const { buildModel, summary } = (globalThis as any).ferDcnn;
      return summary(buildModel({ seed: 1 }));
    });
    expect(trained).toContain('535,397');
    await page.close();
  });

  test('a classic script of fer-dcnn/lite is small and classifies', async () => {
    const page = await pageOf('<script src="./fer-dcnn/dist/standalone/lite.global.js"></script>');
    expectLike(await page.evaluate(CLASSIFY_BY_GLOBAL, 'ferDcnn'));
    await page.close();
  });

  test('the short address of a CDN works without a redirect', async () => {
    const page = await pageOf('<script src="./npm/fer-dcnn@0.1.0"></script>');
    expectLike(await page.evaluate(CLASSIFY_BY_GLOBAL, 'ferDcnn'));
    await page.close();
  });

  test('a bundle of the main entry by esbuild, as a classic script, takes its binaries by assets', async () => {
    await build({
      stdin: {
        contents: "import { classify, useBackend } from 'fer-dcnn'; globalThis.bundle = { classify, useBackend };",
        resolveDir: folder,
      },
      bundle: true,
      format: 'iife',
      platform: 'browser',
      outfile: join(site, 'bundle.js'),
      logLevel: 'error',
      logOverride: { 'empty-import-meta': 'silent' },
    });
    const page = await pageOf('<script src="./bundle.js"></script>');
    const without = await page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: the global of the bundle
      const { useBackend } = (globalThis as any).bundle;
      return useBackend('simd').then(
        () => 'started',
        ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
      );
    });
    expect(without).toMatch(/^WASM_UNREACHABLE network-\w+\.wasm .*assets/);
    // biome-ignore lint/suspicious/noExplicitAny: as above
    await page.evaluate(() => (globalThis as any).bundle.useBackend('simd', { assets: './binaries' }));
    expectLike(await page.evaluate(CLASSIFY_BY_GLOBAL, 'bundle'));
    await page.close();
  });

  test('a module service worker classifies a Blob, an ImageBitmap and ImageData', async () => {
    writeFileSync(join(site, 'service-worker.js'), workerSource('./fer-dcnn/dist/standalone/lite.js'));
    const page = await pageOf('');
    const answers = await page.evaluate(async () => {
      await navigator.serviceWorker.register('./service-worker.js', { type: 'module' });
      const { active } = await navigator.serviceWorker.ready;
      return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        active!.postMessage({ face: new URL('./face.png', location.href).href }, [port2]);
      });
    });
    expectAll(answers);
    await page.close();
  });

  test('the background of a Manifest V3 extension classifies them too', async () => {
    const extension = mkdtempSync(join(tmpdir(), 'fer-dcnn-extension-'));
    cpSync(installed, join(extension, 'fer-dcnn'), { recursive: true });
    cpSync(join(site, 'face.png'), join(extension, 'face.png'));
    writeFileSync(join(extension, 'background.js'), workerSource('./fer-dcnn/dist/standalone/lite.js'));
    writeFileSync(
      join(extension, 'manifest.json'),
      JSON.stringify({
        manifest_version: 3,
        name: 'faces',
        version: '1',
        background: { service_worker: 'background.js', type: 'module' },
        content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'" },
      }),
    );
    const profile = mkdtempSync(join(tmpdir(), 'fer-dcnn-profile-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [...FLAGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
    });
    try {
      const [worker] =
        context.serviceWorkers().length > 0 ? context.serviceWorkers() : [await context.waitForEvent('serviceworker')];
      expectAll(
        await worker.evaluate(() =>
          (globalThis as unknown as Classifying).classifyAll(new URL('./face.png', location.href).href),
        ),
      );
    } finally {
      await context.close();
      rmSync(extension, { recursive: true, force: true });
      rmSync(profile, { recursive: true, force: true });
    }
  });
});

async function pageOf(head: string): Promise<Page> {
  writeFileSync(
    join(site, 'page.html'),
    `<!doctype html><html lang="en"><head><link rel="icon" href="data:," /><title>page</title>${head}</head></html>`,
  );
  const page = await browser.newPage();
  await page.goto(`${served.url}page.html`);
  return page;
}

const CLASSIFY_BY_GLOBAL = async (name: string): Promise<Answer> => {
  const blob = await (await fetch('./face.png')).blob();
  // biome-ignore lint/suspicious/noExplicitAny: the global of a classic script
  return (globalThis as any)[name].classify(blob);
};

/** A service worker that classifies a picture in the three forms that such workers have. */
function workerSource(lite: string): string {
  return `import { classify } from '${lite}';
    globalThis.classifyAll = async (face) => {
      const blob = await (await fetch(face)).blob();
      const bitmap = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d').drawImage(bitmap, 0, 0);
      const data = canvas.getContext('2d').getImageData(0, 0, bitmap.width, bitmap.height);
      return Promise.all([classify(blob), classify(bitmap), classify(data)]);
    };
    addEventListener('install', () => skipWaiting());
    addEventListener('activate', (event) => event.waitUntil(clients.claim()));
    addEventListener('message', ({ data, ports }) => {
      globalThis.classifyAll(data.face).then((answers) => ports[0].postMessage(answers), (error) => ports[0].postMessage(String(error)));
    });`;
}

function expectLike(answer: Answer): void {
  const list = EMOTIONS.map((name) => answer.find(({ className }) => className === name)!.probability);
  expectClose(list, expected, 1e-5);
}

function expectAll(answers: unknown): void {
  expect(answers).toHaveLength(3);
  for (const answer of answers as Answer[]) expectLike(answer);
}
