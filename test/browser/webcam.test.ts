import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { haveChromium, sharedChromium } from './chromium.js';
import {
  accessibilityFaults,
  BROAD_SMILE,
  chromiumWithCamera,
  cutFace,
  openExample,
  pressByKey,
  serveExample,
  tabOrder,
  tabTo,
} from './example-pages.js';
import { PATIENCE } from './patience.js';
import type { Served } from './servers.js';

const haveFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!haveFfmpeg) console.warn('\n  !! SKIPPED: no ffmpeg, so no video was dropped onto examples/webcam.\n');

if (!NIGHT) leftOut('the webcam page on a machine without a camera', '1');

describe.runIf(haveChromium)('examples/webcam', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-webcam-'));
  let served: Served;
  let browser: Browser;
  let face: Buffer;

  beforeAll(async () => {
    face = await cutFace(BROAD_SMILE, 480);
    browser = await chromiumWithCamera();
    served = await serveExample('webcam', folder);
  });

  afterAll(async () => {
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('by camera and by keyboard: finds the face, classifies it and sums up, without any request', async () => {
    const { page, errors, later } = await openExample(browser, served.url, { permissions: ['camera'] });
    expect(await tabOrder(page)).toEqual([
      'Start camera',
      'Try drawn faces',
      'Open a file',
      'What the five words mean',
    ]);
    await pressByKey(page, 'Start camera');
    await page.getByRole('status').getByText('Face 1 looks happy.').waitFor();
    expect(await tabOrder(page)).toEqual(['Stop', 'Open a file', 'Save picture', 'What the five words mean']);
    expect(await page.locator('#status').textContent()).toBe('Face 1 looks happy.');
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe('Face 1 looks happy.');
    await page
      .locator('#speed')
      .getByText(/^\d+ fps · \d+ ms$/)
      .waitFor();
    const percents = (await page.locator('#readings .percent').allTextContents()).map(Number.parseFloat);
    expect(percents).toHaveLength(5);
    expect(percents[1]).toBeGreaterThan(50);
    expect(percents.reduce((sum, one) => sum + one)).toBeGreaterThan(97);
    expect(await page.getByRole('meter', { name: 'happy' }).getAttribute('aria-valuetext')).toMatch(/^\d+ percent$/);
    expect(page.workers()).toHaveLength(1);
    const { x, y, width: across, height: down } = (await page.locator('#view').boundingBox())!;
    const onTop = ([left, top]: number[]) => document.elementFromPoint(left, top)?.id;
    expect(await page.evaluate(onTop, [x + across / 2, y + down / 2])).toBe('boxes');

    const savedSize = async () => {
      const saved = page.waitForEvent('download');
      await pressByKey(page, 'Save picture');
      const { width, height } = await sharp(await (await saved).path()).metadata();
      return [width, height];
    };
    expect(await savedSize()).toEqual([640, 480]);

    // An episode needs a second sight to have a length.
    await page
      .locator('video')
      .evaluate(
        (video: HTMLVideoElement) =>
          new Promise((seen) => video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(seen))),
      );
    await pressByKey(page, 'Stop', 'Space');
    await page.getByText(/there was one face, (mostly happy \(\d+%\)|happy all the time)\./).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('summary');
    expect(await page.evaluate(() => document.querySelector('video')?.srcObject)).toBeNull();
    // The last frame stays, and can be saved.
    await page.getByText('Stopped: the last frame').waitFor();
    expect(await page.locator('#still').evaluate(isBlank)).toBe(false);
    expect(await savedSize()).toEqual([640, 480]);
    for (const [name, content] of [
      ['JSON', /"emotion":\s*"happy"/],
      ['CSV', /^face,emotion,from,to,duration\n1,happy,\d/],
    ] as const) {
      const download = page.waitForEvent('download');
      await pressByKey(page, `Save as ${name}`);
      expect(readFileSync(await (await download).path(), 'utf8')).toMatch(content);
    }
    expect(errors).toEqual([]);
    expect(later).toEqual([]);

    expect(await page.locator('#summary td.when').first().isVisible()).toBe(true);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.locator('#summary td.when').first().isVisible()).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityFaults(page), colorScheme).toEqual([]);
    }
    await page.context().close();
  });

  test('a dropped picture shows every face, and the keyboard selects one', async () => {
    const { page, errors } = await openExample(browser, served.url);
    const photo = readFileSync('node_modules/@vladmandic/face-api/demo/sample1.jpg').toString('base64');
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([bytes], 'photo.jpg', { type: 'image/jpeg' }));
      document.querySelector('#view')!.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
    }, photo);
    await page
      .getByRole('status')
      .getByText(/^Face 1 looks \w+\. Face 2 looks \w+\. Face 3 looks \w+\.$/)
      .waitFor();
    const said = () => page.getByRole('meter').evaluateAll((bars) => bars.map((bar) => bar.ariaValueNow));
    // A picture has no times.
    expect(await page.locator('#readings canvas').first().isVisible()).toBe(false);
    const chosen = () => page.locator('#faces label:has(:checked)').textContent();
    const first = (await chosen())!;
    const before = await said();
    await tabTo(page, first);
    await page.keyboard.press('ArrowDown');
    expect(await chosen()).not.toBe(first);
    expect(await said()).not.toEqual(before);
    expect(await page.locator('#meanings').isVisible()).toBe(false);
    await pressByKey(page, 'What the five words mean');
    expect(await page.locator('#meanings').isVisible()).toBe(true);
    const chooser = page.waitForEvent('filechooser');
    await pressByKey(page, 'Open a file', 'Space');
    await (await chooser).setFiles({ name: 'face.png', mimeType: 'image/png', buffer: face });
    await page
      .getByRole('status')
      .getByText(/^Face 1 looks \w+\.$/)
      .waitFor();
    expect(await page.getByRole('button', { name: 'Save picture' }).isVisible()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('drawn faces for those without a camera; a click on a box selects that face', async () => {
    const { page, errors, later } = await openExample(browser, served.url, { viewport: { width: 390, height: 844 } });
    await page.getByText('An expression is not a feeling.').waitFor();
    expect(await page.getByText('You can drop a picture').isVisible()).toBe(false);
    expect(await accessibilityFaults(page)).toEqual([]);
    await pressByKey(page, 'Try drawn faces');
    // The button is gone, the focus is not.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('camera');
    const said = 'Face 1 looks happy. Face 2 looks surprised. Face 3 looks sad.';
    await page.getByRole('status').getByText(said).waitFor();
    const { width, height } = (await page.locator('#boxes').boundingBox())!;
    for (const [share, face] of [
      [1 / 6, 'Face 1'],
      [5 / 6, 'Face 3'],
    ] as const) {
      await page.locator('#boxes').click({ position: { x: share * width, y: 0.55 * height } });
      expect(await page.getByRole('radio', { name: face }).isChecked()).toBe(true);
    }
    // The canvas has the pixels of the display, so letters are as large on a phone.
    expect(await page.locator('#boxes').evaluate((canvas: HTMLCanvasElement) => canvas.width)).toBe(Math.round(width));
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(errors).toEqual([]);
    expect(later).toEqual([]);
    await page.context().close();
  });

  test.runIf(haveFfmpeg)('a video is followed to its end, and its summary has the times of the video', async () => {
    // As on a slow machine: each answer takes longer than the video.
    const before = () => {
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function (this: Worker, ...args: unknown[]) {
        setTimeout(() => Reflect.apply(postMessage, this, args), 2200);
      };
    };
    const file = join(folder, 'clip.webm');
    writeFileSync(join(folder, 'face.png'), await cutFace(BROAD_SMILE, 240));
    const still = ['-loop', '1', '-framerate', '10', '-t', '2', '-i', join(folder, 'face.png')];
    execFileSync('ffmpeg', [
      '-y',
      '-loglevel',
      'error',
      ...still,
      '-c:v',
      'libvpx',
      '-b:v',
      '1M',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
      file,
    ]);
    const { page, errors } = await openExample(browser, served.url, { before });
    await page.locator('#picker').setInputFiles(file);
    await page.getByText(/^In 0:0[123] there was one face, (mostly happy|happy all the time)/).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('takes its binaries from the place that <meta name="fer-dcnn-assets"> names, and from no other', async () => {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const asked: string[] = [];
    await page.route(served.url, async (route) => {
      const body = await (await route.fetch()).text();
      await route.fulfill({ contentType: 'text/html', body: body.replace('<head>', META) });
    });
    await page.route(/\.(wasm|bin)$/, (route) => {
      const { pathname } = new URL(route.request().url());
      asked.push(pathname);
      const path = ['dist/wasm', 'dist/faces', 'weights']
        .map((part) => join(part, basename(pathname)))
        .find((file) => existsSync(file));
      return pathname.startsWith('/cdn/') && path ? route.fulfill({ path }) : route.fulfill({ status: 404 });
    });
    await page.goto(served.url);
    await page.getByText('Ready.').waitFor();
    await page.getByRole('button', { name: 'Try drawn faces' }).click();
    await page.getByRole('status').getByText('Face 1 looks happy.').waitFor();
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.filter((path) => !path.startsWith('/cdn/'))).toEqual([]);
    await context.close();
  });

  test('explains in plain words that the camera is blocked, or that a file is not a picture', async () => {
    const { page } = await openExample(browser, served.url);
    const notice = page.getByRole('alert');
    await page.getByRole('button', { name: 'Start camera' }).click();
    await notice.getByText(/^The camera is blocked for this page\. Allow it in the browser/).waitFor();
    await page
      .locator('#picker')
      .setInputFiles({ name: 'letter.png', mimeType: 'image/png', buffer: Buffer.from('Dear reader') });
    await notice.getByText('This browser cannot read letter.png as a picture.').waitFor();
    expect(await page.getByRole('button', { name: 'Start camera' }).isEnabled()).toBe(true);
    await page.context().close();
  });

  // The same page without a camera: a browser more.
  nightTest('says that there is no camera', async () => {
    const { page } = await openExample(await sharedChromium(), served.url, { permissions: ['camera'] });
    await page.getByRole('button', { name: 'Start camera' }).click();
    const said = page.getByRole('alert').getByText('No camera was found. Plug one in, or use pictures.');
    await said.waitFor();
    expect(await said.isVisible()).toBe(true);
    await page.context().close();
  });

  test('without WebAssembly, says so and disables its buttons', async () => {
    const before = () => Reflect.deleteProperty(globalThis, 'WebAssembly');
    const { page, errors } = await openExample(browser, served.url, { before, waits: 'notice' });
    expect(await page.getByRole('alert').textContent()).toMatch(/^This page needs WebAssembly/);
    for (const button of await page.locator('.stage button:visible').all())
      expect(await button.isDisabled()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});

const META = '<head><meta name="fer-dcnn-assets" content="/cdn/" />';

/** Whether all pixels of a canvas are the same. */
function isBlank(canvas: Element): boolean {
  const { width, height } = canvas as HTMLCanvasElement;
  const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
  return data.every((level, i) => level === data[i % 4]);
}
