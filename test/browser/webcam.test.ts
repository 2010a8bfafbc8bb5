import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { haveChromium, startChromium } from './chromium.js';
import {
  cutFaces,
  fakeCamera,
  openExample,
  serveExample,
  tabOrder,
  unnamedControls,
  weakText,
} from './example-pages.js';
import type { Served } from './servers.js';

const haveFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!haveFfmpeg) console.warn('\n  !! SKIPPED: no ffmpeg, so no video was dropped onto examples/webcam.\n');

/** The second face on the third photo. */
const BROAD_SMILE = 7;

describe.runIf(haveChromium)('examples/webcam', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-webcam-'));
  let served: Served;
  let browser: Browser;
  let face: Buffer;

  beforeAll(async () => {
    face = (await cutFaces(480))[BROAD_SMILE];
    browser = await startChromium(await fakeCamera(face, folder));
    served = await serveExample('webcam', folder);
  });

  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('by camera: finds the face, says what it shows, and sums up, without a request to anywhere', async () => {
    const { page, errors, later } = await openExample(browser, served.url, { permissions: ['camera'] });
    expect(await tabOrder(page)).toEqual(['Start camera', 'Open picture or video']);
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.getByRole('status').getByText('Face 1 looks happy.').waitFor();
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe('In sight: face 1 happy');
    const percents = (await page.locator('#readings li > span:nth-child(2)').allTextContents()).map(Number.parseFloat);
    expect(percents).toHaveLength(5);
    expect(percents[1]).toBeGreaterThan(50);
    expect(percents.reduce((sum, one) => sum + one)).toBeGreaterThan(97);
    expect(await page.getByRole('meter', { name: 'happy' }).getAttribute('aria-valuetext')).toMatch(/^\d+ percent$/);
    expect(page.workers()).toHaveLength(1);
    const { x, y, width: across, height: down } = (await page.locator('#view').boundingBox())!;
    const onTop = ([left, top]: number[]) => document.elementFromPoint(left, top)?.id;
    expect(await page.evaluate(onTop, [x + across / 2, y + down / 2])).toBe('boxes');

    const still = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save still' }).click();
    const { width, height } = await sharp(await (await still).path()).metadata();
    expect([width, height]).toEqual([640, 480]);

    // An episode needs a second sight to have a length.
    await page.waitForTimeout(600);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/there was one face, mostly happy \(\d+ %\)\./).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('summary');
    expect(await page.evaluate(() => document.querySelector('video')?.srcObject)).toBeNull();
    for (const [name, content] of [
      ['JSON', /"emotion":\s*"happy"/],
      ['CSV', /^face,emotion,from,to,duration\n1,happy,\d/],
    ] as const) {
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: `Save as ${name}` }).click();
      expect(readFileSync(await (await download).path(), 'utf8')).toMatch(content);
    }
    expect(errors).toEqual([]);
    expect(later).toEqual([]);

    expect(await unnamedControls(page)).toEqual([]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await weakText(page), colorScheme).toEqual([]);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await page.context().close();
  });

  test('a dropped picture: every face, and the keyboard chooses between them', async () => {
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
      .getByText(/^Face 1 looks \w+, face 2 looks \w+, face 3 looks \w+\.$/)
      .waitFor();
    const said = () => page.getByRole('meter').evaluateAll((bars) => bars.map((bar) => bar.ariaValueNow));
    // There is no time in a picture.
    expect(await page.locator('#readings canvas').first().isVisible()).toBe(false);
    const first = await said();
    await page.getByRole('radio', { name: 'Face 1' }).focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.getByRole('radio', { name: 'Face 2' }).isChecked()).toBe(true);
    expect(await said()).not.toEqual(first);
    expect(await page.getByRole('button', { name: 'Save still' }).isEnabled()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.runIf(haveFfmpeg)('a video: is followed to its end, and summed up by its own time', async () => {
    const file = join(folder, 'clip.webm');
    writeFileSync(join(folder, 'face.png'), face);
    const still = ['-loop', '1', '-framerate', '10', '-t', '4', '-i', join(folder, 'face.png')];
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
      file,
    ]);
    const { page, errors } = await openExample(browser, served.url);
    await page.locator('#picker').setInputFiles(file);
    await page.getByText(/^In 0:0[1-4] there was one face, mostly happy/).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('says in plain words that the camera is blocked, or that a file is none', async () => {
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

  test('says that there is no camera', async () => {
    const without = await startChromium();
    try {
      const { page } = await openExample(without, served.url, { permissions: ['camera'] });
      await page.getByRole('button', { name: 'Start camera' }).click();
      const said = page.getByRole('alert').getByText('No camera was found. Plug one in, or use pictures.');
      await said.waitFor();
      expect(await said.isVisible()).toBe(true);
    } finally {
      await without.close();
    }
  });

  test('without WebAssembly, says so and offers nothing', async () => {
    const before = () => Reflect.deleteProperty(globalThis, 'WebAssembly');
    const { page, errors } = await openExample(browser, served.url, { before, waits: 'notice' });
    expect(await page.getByRole('alert').textContent()).toMatch(/^This browser does not run WebAssembly/);
    for (const button of await page.locator('.stage button').all()) expect(await button.isDisabled()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
