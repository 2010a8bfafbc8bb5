import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { FACES } from '../../examples/node-classify/faces.js';
import config from '../../examples/vite.config.js';
import { startChromium } from './chromium.js';
import { PATIENCE } from './patience.js';
import { type Served, serveStatic, serveViteBuild } from './servers.js';

/** Builds an example against the repository's own build, outside the repository, and serves it. */
export function serveExample(name: string, folder: string): Promise<Served> {
  return serveViteBuild(resolve('examples', name), {
    ...config,
    build: { outDir: join(folder, `example-${name}`), emptyOutDir: true, reportCompressedSize: false },
  });
}

/**
 * Serves an example as it is built for `npx fer-dcnn studio`, with links to the other pages on top.
 *
 * @param installed - The folder of the installed package.
 */
export async function serveStudioPage(name: string, installed: string): Promise<Served> {
  const aliases = { '/package/': '/', '/assets/': '/dist/studio/assets/', '/pages/': '/dist/studio/' };
  const { url, close } = await serveStatic(installed, { aliases });
  return { url: `${url}pages/${name}/index.html`, close };
}

/**
 * A face on the photos that face-api ships, counted from 0 from photo to photo: a PNG with some room around the
 * forehead-to-chin square.
 */
export async function cutFace(which: number, side: number): Promise<Buffer> {
  const [photo, { x, y, width }] = Object.entries(FACES).flatMap(([photo, boxes]) =>
    boxes.map((box) => [photo, box] as const),
  )[which];
  const image = sharp(join('node_modules/@vladmandic/face-api/demo', photo));
  const { width: right, height: bottom } = await image.metadata();
  const left = Math.max(0, Math.round(x - width / 2));
  const top = Math.max(0, Math.round(y - width / 2));
  const size = Math.min(2 * width, right - left, bottom - top);
  const cut = image.extract({ left, top, width: size, height: size });
  return cut.resize(side, side).png({ compressionLevel: 1 }).toBuffer();
}

/** The second face on the third photo, of those that {@link cutFace} gives. */
export const BROAD_SMILE = 7;

let withCamera: Promise<Browser> | undefined;

/**
 * The Chromium of all test files that want a camera: it shows the same face, which smiles, a little nearer and a little
 * farther, over and over. Whether a page may use it is for each test to say.
 */
export function chromiumWithCamera(): Promise<Browser> {
  withCamera ??= (async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'fer-dcnn-camera-')), 'camera.y4m');
    const face = await cutFace(BROAD_SMILE, 480);
    // Five frames a second instead of the thirty of a file of JPEGs: the pages compute for every one.
    const frames: Buffer[] = [Buffer.from('YUV4MPEG2 W640 H480 F5:1 Ip A1:1 C420\n')];
    for (const height of [470, 458, 451, 458, 470, 482, 489, 482]) {
      const nearer = await sharp(face).resize(height, height).toBuffer();
      const blank = sharp({ create: { width: 640, height: 490, channels: 3, background: '#586068' } });
      const frame = blank.composite([{ input: nearer, gravity: 'centre' }]).removeAlpha();
      const { data, info } = await frame.raw().toBuffer({ resolveWithObject: true });
      const { width, channels } = info;
      const pixels = await sharp(data, { raw: { width, height: info.height, channels } })
        .resize(640, 480, { fit: 'fill' })
        .raw()
        .toBuffer();
      frames.push(Buffer.from('FRAME\n'), toYuv420(pixels, 640, 480));
    }
    writeFileSync(file, Buffer.concat(frames));
    process.once('exit', () => rmSync(dirname(file), { recursive: true, force: true }));
    return startChromium(['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${file}`]);
  })();
  return withCamera;
}

/** RGB as YUV 4:2:0 of BT.601: all of Y, then U and V of every second pixel of every second row. */
function toYuv420(rgb: Buffer, width: number, height: number): Buffer {
  const size = width * height;
  const yuv = Buffer.alloc((size * 3) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const r = rgb[3 * at];
      const g = rgb[3 * at + 1];
      const b = rgb[3 * at + 2];
      yuv[at] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
      if (x % 2 || y % 2) continue;
      const half = size + (y / 2) * (width / 2) + x / 2;
      yuv[half] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
      yuv[half + size / 4] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
    }
  }
  return yuv;
}

/** A page of an example, ready for use, and what it asked of the network since then. */
export interface ExampleTab {
  page: Page;
  errors: string[];
  /** Addresses that were asked for after the page said that it is ready. */
  later: string[];
}

export interface OpenExampleOptions extends BrowserContextOptions {
  /** Runs in the page before its own code. */
  before?: () => void;
  /** A page that cannot work here is never ready. */
  waits?: 'ready' | 'notice';
}

export async function openExample(
  browser: Browser,
  url: string,
  options: OpenExampleOptions = {},
): Promise<ExampleTab> {
  const { before, waits = 'ready', ...settings } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const tab: ExampleTab = { page, errors: [], later: [] };
  page.on('pageerror', (error) => tab.errors.push(`${error.stack ?? error}`));
  page.on('console', (message) => {
    if (message.type() === 'error') tab.errors.push(message.text());
  });
  if (before) await page.addInitScript(before);
  await page.goto(url);
  if (waits === 'notice') await page.locator('#notice').waitFor();
  else await page.getByText('Ready.').waitFor();
  context.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url())) tab.later.push(request.url());
  });
  return tab;
}

/**
 * Names of what the Tab key goes through, from the top to the end of the page.
 *
 * @throws where the focus cannot be seen, or where the key leads no further.
 */
export async function tabOrder(page: Page): Promise<string[]> {
  await page.evaluate(() => {
    // From the top, wherever it was before.
    const top = document.createElement('span');
    top.tabIndex = -1;
    document.body.prepend(top);
    top.focus();
    top.addEventListener('blur', () => top.remove());
  });
  const names: string[] = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const { activeElement: at } = document;
      if (at === null || at === document.body) return null;
      const name = at.getAttribute('aria-label') ?? ((at as HTMLInputElement).labels?.[0] ?? at).textContent ?? '';
      // Of a radio button that lies invisibly on its label, the label shows it.
      const seen = [at, at.nextElementSibling, at.closest('label'), at.querySelector('.at')].some((element) => {
        if (element === null) return false;
        const { outlineStyle, outlineWidth, opacity } = getComputedStyle(element);
        return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 && opacity !== '0';
      });
      return { name: name.trim().replace(/\s+/g, ' '), seen };
    });
    if (at === null) return names;
    if (!at.seen) throw new Error(`the focus on ${at.name} cannot be seen`);
    names.push(at.name);
  }
  throw new Error(`Tab does not come to an end: ${names.slice(-5).join(', ')}`);
}

/**
 * Presses Tab, like a user without a mouse, until the focus is on an element with this name, or a name that begins with this word. The
 * focus must be visible.
 *
 * @throws where Tab does not come to it.
 */
export async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(nameOfFocused);
    if (at === name || at.startsWith(`${name} `)) return;
    passed.push(at);
  }
  throw new Error(`Tab does not come to ${name}, but to ${passed.join(', ')}`);
}

/** Comes to a button by Tab, and presses it by Enter or Space. */
export async function pressByKey(page: Page, name: string, key: 'Enter' | 'Space' = 'Enter'): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press(key);
}

/** The name of what has the focus, as far as these pages need it. */
export function nameOfFocused(): string {
  const at = document.activeElement!;
  const labelled = at.getAttribute('aria-label') ?? ((at as HTMLInputElement).labels?.[0] ?? at).textContent ?? '';
  return labelled.trim().replace(/\s+/g, ' ');
}

/** What axe-core finds wrong on a page as it is now; an empty list, when nothing is. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => `${id}: ${html} ${any[0]?.message ?? ''}`),
    );
  });
}

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
