import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT, nightTest, rows } from '../night.js';
import { haveChromium } from './chromium.js';
import {
  accessibilityFaults,
  chromiumWithCamera,
  cutFace,
  openExample,
  pressByKey,
  serveExample,
  serveStudioPage,
  tabOrder,
  tabTo,
} from './example-pages.js';
import type { Served } from './servers.js';

const installed = join(inject('consumer').folder, 'node_modules/fer-dcnn');

/** Faces of {@link cutFace}: six people who smile. */
const SMILING = [7, 8, 11];
const SMILING_TOO = [13, 17, 21];

/** Of each person, for each class: three quarters teach. */
const PICTURES = NIGHT ? 6 : 3;
if (!NIGHT)
  leftOut(
    "the example's own build of teach; teaching by more than 9 faces a class; classes of one's own beyond the first rounds; a recording of each class; teach without WebAssembly",
    '1',
  );

describe.runIf(haveChromium)('examples/teach', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-teach-'));
  let served: Served;
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromiumWithCamera();
    served = await (NIGHT ? serveExample('teach', folder) : serveStudioPage('teach', installed));
  });

  afterAll(async () => {
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('learns the taught expressions, shows the improvement, and saves a model that Node opens', async () => {
    const { page, errors, later } = await openExample(browser, served.url, { permissions: ['camera'] });
    // All six smile: another label for them is something that the shipped network does not know.
    for (const [emotion, people] of Object.entries({ sad: SMILING, surprised: SMILING_TOO })) {
      await page.locator(`input[data-name=${emotion}]`).setInputFiles(await variants(people, PICTURES));
      await page
        .getByRole('article', { name: emotion })
        .getByText(`${3 * PICTURES} faces`, { exact: true })
        .waitFor();
    }
    const aside = 2 * Math.floor((3 * PICTURES) / 4);
    await pressByKey(page, 'Train');
    await page
      .getByText(new RegExp(`^It now gets \\d of the ${aside} faces kept aside \\(\\d+%\\) right; before it was \\d`))
      .waitFor({ timeout: 200_000 });
    await page.getByText(`Only ${aside} faces were kept aside`).waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('result');

    const [frames, before, after] = (
      await page.getByRole('row', { name: /^all/ }).getByRole('cell').allTextContents()
    ).map(Number);
    expect(frames).toBe(aside);
    expect(before).toBeLessThan(aside / 2);
    expect(after).toBeGreaterThan(0.7 * aside);
    const curve = await page.locator('#curve').getByRole('img').getAttribute('aria-label');
    expect(curve).toMatch(new RegExp(`After (\\d+) of \\1 rounds, ${Math.round((100 * after) / aside)}%`));

    for (const name of ['model.json', 'weights.bin']) {
      const download = page.waitForEvent('download');
      await pressByKey(page, `Download ${name}`);
      const file = await download;
      expect(file.suggestedFilename()).toBe(name);
      await file.saveAs(join(folder, 'model', name));
    }
    const { classifyFaces, createClassifier } = await entry<typeof import('../../src/index.js')>('index.js');
    const { loadModel } = await entry<typeof import('../../src/node.js')>('node.js');
    const classifier = createClassifier({ model: await loadModel(join(folder, 'model')) });
    const [face] = await classifyFaces(await cutFace(SMILING_TOO[0], 240), { classifier, maxFaces: 1 });
    expect(face.predictions[0].className).toBe('surprised');
    expect(errors).toEqual([]);
    expect(later).toEqual([]);

    // Before and after, on the camera.
    await page.locator('#result').focus();
    await pressByKey(page, 'Start camera');
    await page
      .locator('#try-rows .after.top')
      .getByText(/^\d+%$/)
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('The camera is off.').waitFor();
    expect(await page.locator('#try-rows .after').allTextContents()).toEqual(['–', '–', '–', '–', '–']);

    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityFaults(page), colorScheme).toEqual([]);
    }
    await page.context().close();
  });

  test('faces are recorded by camera, and the keyboard reaches everything in the order of the page', async () => {
    const { page, errors } = await openExample(browser, served.url, { permissions: ['camera'] });
    const names = ['angry', 'happy', 'sad', 'neutral', 'surprised'];
    expect(await tabOrder(page)).toEqual([
      ...(NIGHT ? [] : ['Your pictures', 'Camera', 'Teach']),
      'Start camera',
      'Use drawn faces',
      ...names.flatMap((name, i) => [
        `Name of class ${i + 1}`,
        `Record ${name}`,
        `Add pictures of ${name}`,
        `Remove ${name}`,
      ]),
      'Add your own class',
    ]);
    expect(await page.getByRole('progressbar').isVisible()).toBe(false);
    // Without a camera, Record says what it waits for.
    await pressByKey(page, 'Record happy');
    await page.getByRole('status').getByText('To record, start the camera. Or add pictures.').waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('camera');
    await page.keyboard.press('Enter');
    await page.locator('#speed').waitFor();
    const countdown = page.locator('#countdown');
    await tabTo(page, 'Name of class 2');
    await page.keyboard.type('grin');
    for (const name of rows(['sad', 'neutral', 'surprised', 'angry'], 1)) {
      await pressByKey(page, `Record ${name}`);
      await countdown.getByText(`Get ready: ${name}`).waitFor();
      await page.keyboard.press('Escape');
      await countdown.waitFor({ state: 'hidden' });
    }
    await pressByKey(page, 'Record grin', 'Space');
    await countdown.getByText('Get ready: grin').waitFor();
    await page.locator('#countdown.runs').getByText('Recording grin').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.locator('.expression .faces canvas').first().waitFor();
    // The button that records also stops.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Stop');
    await page.keyboard.press('Space');
    const card = page.getByRole('article', { name: 'grin' });
    await card.getByText(/^\d+ faces?$/).waitFor();
    await countdown.waitFor({ state: 'hidden' });
    await pressByKey(page, 'Clear grin');
    expect(await card.textContent()).toContain('nothing yet');
    await pressByKey(page, 'Stop camera');
    expect(await page.getByRole('button', { name: 'Record grin' }).getAttribute('aria-disabled')).toBe('true');

    const chooser = page.waitForEvent('filechooser');
    await pressByKey(page, 'Add pictures of sad');
    await (await chooser).setFiles(await variants([7], 1));
    await page.getByRole('article', { name: 'sad' }).getByText('1 face', { exact: true }).waitFor();
    // The button that was disabled meanwhile has the focus again.
    expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toBe('Add pictures of sad');
    await pressByKey(page, 'Add your own class');
    await page.keyboard.type('yawn');
    await page.getByRole('article', { name: 'yawn' }).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('if several faces are in sight, a key selects another one', async () => {
    const { page, errors } = await openExample(browser, served.url, { before: drawTwoPeople });
    await pressByKey(page, 'Start camera');
    await page.getByRole('button', { name: 'Select another face' }).waitFor();
    await tabTo(page, 'Select another face');
    const taken: string[] = [];
    for (let i = 0; i < 3; i++) {
      const before = await page.locator('#status').textContent();
      await page.keyboard.press('Enter');
      await page.waitForFunction((before) => document.querySelector('#status')!.textContent !== before, before);
      const [, place] = /^Face (\d) of 2, from the left, is selected\.$/.exec(
        (await page.locator('#status').textContent())!,
      )!;
      await page.getByRole('img', { name: `2 faces in sight; number ${place} from the left is selected` }).waitFor();
      taken.push(place);
    }
    expect(new Set(taken)).toEqual(new Set(['1', '2']));
    expect(taken[2]).toBe(taken[0]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("teaches classes of one's own, by keyboard alone", async () => {
    const { page, errors } = await openExample(browser, served.url);
    // Two classes take the place of the five.
    for (const name of ['angry', 'neutral', 'surprised']) await page.getByLabel(`Remove ${name}`).press('Enter');
    for (const [old, name, people] of [
      ['happy', 'grin', SMILING],
      ['sad', 'at rest', SMILING_TOO],
    ] as const) {
      await page.locator(`input[data-name=${old}]`).setInputFiles(await variants(people, PICTURES));
      await page
        .getByRole('article', { name: old })
        .getByText(`${3 * PICTURES} faces`, { exact: true })
        .waitFor();
      await page.locator(`.expression[aria-label=${old}] input[type=text]`).focus();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(name);
    }
    await page.getByRole('button', { name: 'Train', exact: true }).press('Enter');
    // Training is stopped as it was begun, and changes nothing.
    await page
      .getByText(/^Round \d+ of \d+/)
      .first()
      .waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('stop');
    await page.keyboard.press('Enter');
    await page.getByText('Training was stopped; nothing was changed.').waitFor();
    expect(errors).toEqual([]);
    if (NIGHT) {
      await page.getByRole('button', { name: 'Train', exact: true }).press('Enter');
      const verdict = page.getByText(/^It now gets \d of the \d faces kept aside \(\d+%\) right\.$/);
      await verdict.waitFor({ timeout: 200_000 });
      expect(await page.locator('#comparison th').allTextContents()).toEqual(['grin', 'at rest', 'all']);
      // The shipped network does not know them: there is no before.
      expect(await page.getByRole('columnheader', { name: 'Before' }).first().isVisible()).toBe(false);
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download model.json' }).press('Enter');
      const { userDefinedMetadata } = JSON.parse(readFileSync(await (await download).path(), 'utf8'));
      expect(userDefinedMetadata['fer-dcnn'].classes).toEqual(['grin', 'at rest']);
      expect(errors).toEqual([]);
    }
    await page.context().close();
  });

  test('explains in plain words: not a picture, no face, no camera', async () => {
    const { page } = await openExample(browser, served.url);
    const notice = page.locator('#notice');
    const ground = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
    await page.locator('input[data-name=sad]').setInputFiles([
      { name: 'wall.png', mimeType: 'image/png', buffer: ground },
      { name: 'broken.png', mimeType: 'image/png', buffer: ground.subarray(0, 40) },
    ]);
    await notice.waitFor();
    expect(await notice.textContent()).toBe(
      'These files cannot be read as pictures: broken.png. No face was found on 1 of 2 pictures.',
    );
    await page.locator('#camera').click();
    await notice.getByText(/^The camera is blocked for this page\. Allow it/).waitFor();
    await page.context().close();
  });

  // By day on the webcam page, by the same code.
  nightTest('without WebAssembly, says so and disables its buttons', async () => {
    const before = () => Reflect.deleteProperty(globalThis, 'WebAssembly');
    const { page, errors } = await openExample(browser, served.url, { before, waits: 'notice' });
    expect(await page.getByRole('alert').textContent()).toMatch(/^This page needs WebAssembly/);
    for (const button of await page.locator('button:not([aria-disabled]):visible').all()) {
      expect(await button.isDisabled()).toBe(true);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });
});

/** An entry of the installed package. */
function entry<Entry>(file: string): Promise<Entry> {
  return import(pathToFileURL(join(installed, 'dist/node', file)).href);
}

/** Runs in the page before its own code: a camera that sees two drawn people, the page's own. */
function drawTwoPeople(): void {
  const getUserMedia = async () => {
    const images = [...document.querySelectorAll<HTMLImageElement>('.portraits img')];
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 480 });
    const context = canvas.getContext('2d')!;
    const draw = () => {
      for (const [i, image] of images.entries()) context.drawImage(image, 10 + 320 * i, 100, 300, 300);
    };
    draw();
    setInterval(draw, 50);
    return canvas.captureStream(20);
  };
  Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia } });
}

/** Every face as often as asked, each time a little brighter or darker, larger or smaller; person after person. */
async function variants(people: readonly number[], times: number) {
  const files: { name: string; mimeType: string; buffer: Buffer }[] = [];
  for (let i = 0; i < times; i++) {
    for (const who of people) {
      if (!drawn.has(`${who}-${i}`)) drawn.set(`${who}-${i}`, await variant(who, i));
      files.push({ name: `${who}-${i}.jpg`, mimeType: 'image/jpeg', buffer: drawn.get(`${who}-${i}`)! });
    }
  }
  return files;
}

/** Variants by person and turn, which several tests give to the page. */
const drawn = new Map<string, Buffer>();

async function variant(who: number, turn: number): Promise<Buffer> {
  const image = sharp(await cutFace(who, 240))
    .resize(200 + 7 * turn)
    .modulate({ brightness: 0.8 + 0.05 * ((turn * 3) % 8) });
  return image.jpeg().toBuffer();
}
