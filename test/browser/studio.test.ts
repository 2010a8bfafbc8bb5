import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type DrawnExpression, drawnFace } from '../../examples/page-parts/drawn-face.js';
import { leftOut, NIGHT } from '../night.js';
import { haveChromium, sharedChromium } from './chromium.js';
import { pressByKey, tabOrder, tabTo } from './example-pages.js';
import { PATIENCE } from './patience.js';
import { type StudioProcess, startStudio } from './studio-process.js';

if (!NIGHT) leftOut("the studio's training at full length", '1');

const { folder: installed } = inject('consumer');
const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

const out = mkdtempSync(join(tmpdir(), 'fer-dcnn-studio-'));
let studio: StudioProcess;

beforeAll(async () => {
  // By day, what a training shows and writes matters, not how well it ends.
  studio = await startStudio(installed, join(out, 'runs'), NIGHT ? [] : ['--epochs', '4']);
});
afterAll(async () => {
  const code = await studio?.stop();
  rmSync(out, { recursive: true, force: true });
  // By Ctrl-C, as every command.
  if (studio) expect(code).toBe(130);
});

describe.runIf(haveChromium)('the studio in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await sharedChromium();
  });

  test('a folder becomes sorted, corrected and saved faces, a model and a report; nothing leaves the machine', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE);
    const asked: string[] = [];
    const errors: string[] = [];
    context.on('request', (request) => asked.push(request.url()));
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(`${error.stack}`));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    // As browsers without it: the folders become a zip file.
    await page.addInitScript(() => Reflect.deleteProperty(window, 'showDirectoryPicker'));
    await page.goto(studio.address);
    await page.getByRole('button', { name: 'Choose a folder' }).and(page.locator(':enabled')).waitFor();
    // Nobody reads it over a shoulder.
    expect(page.url()).not.toContain('token');
    expect(await faults(page)).toEqual([]);

    const folder = page.waitForEvent('filechooser');
    await pressByKey(page, 'Choose a folder');
    await (await folder).setFiles(await folderOfPictures());
    await page.getByText('11 faces on 13 pictures.').first().waitFor();
    // The button is gone: keys are those of the faces now.
    await page.locator('#grid:focus').waitFor();
    expect(await page.getByRole('alert').textContent()).toBe(
      'This browser cannot read 1 picture: pictures/broken.png. 1 file left out: not a picture.',
    );
    expect(await page.locator('#faceless-text').textContent()).toBe('No face was found on 1 picture.');

    // A name that a spreadsheet would run.
    const twelfth = { name: '=1+1.png', mimeType: 'image/png', buffer: await drawn('surprised', 5) };
    await page.locator('#picker').setInputFiles(twelfth);
    await page.getByText('12 faces on 14 pictures.').first().waitFor();
    expect(await words(page)).toHaveLength(12);
    await tabTo(page, 'Order');
    await page.keyboard.press('End');
    const sure = (await page.locator('#grid .sure').allTextContents()).map((text) => Number.parseInt(text, 10));
    expect(sure).toEqual([...sure].sort((a, b) => b - a));
    await page.getByLabel('Order').selectOption('expression');
    expect(await words(page)).toEqual([...(await words(page))].sort());
    await tabTo(page, 'All');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(new Set(await words(page))).toEqual(new Set(['happy']));
    await page.locator('#filter').getByRole('radio', { name: /^All/ }).check({ force: true });
    await page.getByLabel('Order').selectOption('found');

    // A label of one's own, by a click; the rest by keyboard.
    await page.getByText('Add or remove labels').click();
    await page.getByLabel('Name of a label').fill('amazed');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.locator('#grid .card').nth(6).click();
    await page.getByRole('button', { name: /^amazed/ }).click();
    expect(await page.locator('#grid .card').nth(6).textContent()).toMatch(/amazed .*yours$/);
    await page.locator('#grid .card').nth(0).click();
    for (let i = 0; i < 6; i++) await page.keyboard.press('2');
    for (let i = 0; i < 6; i++) await page.keyboard.press('6');
    expect(await words(page)).toEqual([...Array(6).fill('happy'), ...Array(6).fill('amazed')]);
    await page.keyboard.press('0');
    expect((await words(page))[11]).not.toBe('amazed');
    await page.keyboard.press('6');

    const rows = (await saved(page, 'Save as CSV')).toString().replace('\ufeff', '').trim().split('\r\n');
    expect(rows).toHaveLength(13);
    expect(rows[0]).toBe('file,face,x,y,width,height,label,labelled_by,network,angry,happy,neutral,sad,surprised');
    expect(rows.filter((row) => row.includes(',amazed,you,'))).toHaveLength(6);
    expect(rows.some((row) => row.startsWith("'=1+1.png,"))).toBe(true);
    const zip = unzipSync(await saved(page, 'Save as folders'));
    const folders = Object.keys(zip).map((path) => path.split('/').slice(0, 2).join('/'));
    expect(new Set(folders)).toEqual(new Set(['faces/happy', 'faces/amazed', 'README.txt']));
    const face = Object.keys(zip).find((path) => path.endsWith('.png'))!;
    expect(await sharp(zip[face]).metadata()).toMatchObject({ format: 'png', width: 128, height: 128 });

    await pressByKey(page, 'Train');
    await page.getByText(/^Of 2 test faces, \d+% are right\./).waitFor({ timeout: 200_000 });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('trained');
    expect(await faults(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await faults(page)).toEqual([]);

    const opened = context.waitForEvent('page');
    await pressByKey(page, 'Open the report');
    const report = await opened;
    await report.getByRole('heading', { name: 'Confusion matrix' }).waitFor();
    const [run] = readdirSync(join(out, 'runs'));
    expect(readdirSync(join(out, 'runs', run))).toEqual(
      expect.arrayContaining(['faces', 'model.json', 'report.html', 'weights.bin']),
    );
    expect(readdirSync(join(out, 'runs', run, 'faces')).sort()).toEqual(['amazed', 'happy']);

    expect(errors).toEqual([]);
    const { origin } = new URL(studio.address);
    expect(asked.filter((url) => !url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url))).toEqual([]);
    await context.close();
  }, 240_000);

  test('a folder that is dropped, by keyboard alone from there: choose, label, filter, save into a folder', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    await page.addInitScript(fakeDirectoryPicker);
    await page.goto(new URL('/pictures/', studio.address).href);
    await page.locator('#try-drawn:enabled').waitFor();
    expect(await tabOrder(page)).toEqual([
      ...['Your pictures', 'Camera', 'Teach'],
      ...['Choose a folder', 'Choose pictures', 'Try drawn faces'],
    ]);

    const dropped = join(out, 'dropped');
    for (const [expression, who] of [['happy', 1] as const, ['happy', 2] as const, ['surprised', 3] as const]) {
      mkdirSync(join(dropped, expression), { recursive: true });
      writeFileSync(join(dropped, expression, `${who}.png`), await drawn(expression, who));
    }
    await dropFolder(page, dropped);
    await page.getByText('3 faces on 3 pictures.').first().waitFor();
    expect(
      await page.locator('#grid .card').evaluateAll((cards) => cards.map((card) => card.getAttribute('title'))),
    ).toEqual(['dropped/happy/1.png', 'dropped/happy/2.png', 'dropped/surprised/3.png']);

    const order = await tabOrder(page);
    expect(order.slice(3, 5)).toEqual(['Add pictures', 'Start over']);
    // The grid is one stop, and leads on.
    expect(order.indexOf('Save as CSV')).toBeGreaterThan(order.indexOf('Faces'));
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await tabTo(page, 'Faces');
    await press('3', 'ArrowLeft', 'Shift+ArrowRight');
    expect(await page.locator('#inspector-title').textContent()).toBe('2 faces');
    await press('1');
    expect(await words(page)).toEqual(['angry', 'angry', 'surprised']);
    await press('Escape');
    expect(await page.locator('#grid [aria-selected=true]').count()).toBe(0);
    await press('End', '5', 'Home', '0', 'Enter');
    expect(await words(page)).toEqual(['happy', 'angry', 'surprised']);
    expect(await page.locator('#grid .mine').count()).toBe(3);

    // A label by its button, where the focus stays.
    await press('Home');
    await tabTo(page, 'sad3');
    await press('Enter');
    expect((await words(page))[0]).toBe('sad');
    expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('sad3');
    await tabTo(page, 'Add or remove labels');
    await press('Enter');
    await page.getByLabel('Name of a label').focus();
    await page.keyboard.type('dozy');
    await press('Enter');
    await tabTo(page, 'Remove label dozy');
    await press('Enter');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('class-name');

    await tabTo(page, 'Save as folders');
    await press('Enter');
    await page.getByText('3 faces saved to the folder chosen. To train on them: npx fer-dcnn train.').waitFor();
    expect(await page.evaluate(filesOfPicker)).toEqual([
      ['angry', 1],
      ['sad', 1],
      ['surprised', 1],
    ]);
    // Closing the dialogue shows no message.
    await page.evaluate(() => {
      document.querySelector('#kept')!.textContent = '';
      const cancelled = () => Promise.reject(new DOMException('', 'AbortError'));
      Object.assign(window, { showDirectoryPicker: cancelled });
    });
    await press('Enter');
    expect(await page.locator('#notice').isVisible()).toBe(false);
    expect(await page.locator('#kept').textContent()).toBe('');
    await tabTo(page, 'Your pictures');
    await tabTo(page, 'Start over');
    await press('Enter');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('choose-folder');
    await context.close();
  });

  test('without the token nothing can be trained, and the page says what to do', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.goto(new URL('/pictures/', studio.address).href);
    await page.locator('#try-drawn:enabled').waitFor();
    const picture = { name: 'one.png', mimeType: 'image/png', buffer: await drawn('happy', 1) };
    await page.locator('#picker').setInputFiles(picture);
    await page.getByText('1 face on 1 picture.').first().waitFor();
    expect(await page.locator('#train-needs').textContent()).toContain('start npx fer-dcnn studio');
    expect(await page.locator('#train').isDisabled()).toBe(true);
    await page.close();
  });

  test('webcam and teach are there too, and find their networks', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    const failed: string[] = [];
    page.on('response', (response) => response.status() >= 400 && failed.push(response.url()));
    page.on('pageerror', (error) => failed.push(`${error}`));
    for (const name of ['webcam', 'teach']) {
      const weights = page.waitForResponse(/weights\.bin$/);
      await page.goto(new URL(`/${name}/`, studio.address).href);
      expect((await weights).status(), name).toBe(200);
      const links = page.getByRole('navigation').getByRole('link');
      expect(await links.allTextContents(), name).toEqual(['Your pictures', 'Camera', 'Teach']);
      expect(failed, name).toEqual([]);
    }
    await page.close();
  });
});

/** Drops a folder of this machine onto the page, as a file manager does. */
async function dropFolder(page: Page, folder: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: 400, y: 300, data });
  }
  await devtools.detach();
}

/** Headless, no dialogue opens: a folder of the page's own storage is as good. */
function fakeDirectoryPicker(): void {
  const showDirectoryPicker = async () =>
    (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
  Object.assign(window, { showDirectoryPicker });
}

/** Folders that were written there, sorted, and how many files each holds. */
async function filesOfPicker(): Promise<[string, number][]> {
  const root = (await (window as unknown as { showDirectoryPicker(): unknown }).showDirectoryPicker()) as {
    values(): AsyncIterable<{ name: string; values(): AsyncIterable<{ name: string }> }>;
  };
  const found: [string, number][] = [];
  for await (const folder of root.values()) {
    let files = 0;
    for await (const { name } of folder.values()) files += name.endsWith('.png') ? 1 : 0;
    found.push([folder.name, files]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What axe-core finds: rule by rule, with the elements. */
async function faults(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: what the script put there
    const { violations } = await (globalThis as any).axe.run();
    return violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => `${id}: ${nodes[0].html}`);
  });
}

function words(page: Page): Promise<string[]> {
  // Beside the sign, which may be a letter.
  return page.locator('#grid .word').evaluateAll((all) => all.map((word) => word.lastChild!.textContent!));
}

async function saved(page: Page, button: string): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await pressByKey(page, button);
  return readFileSync(await (await download).path());
}

/** Six happy and five surprised faces, a wall, a picture that is broken, and a text. */
async function folderOfPictures(): Promise<string> {
  const folder = join(out, 'pictures');
  mkdirSync(folder);
  for (let i = 0; i < 11; i++) {
    const expression = i < 6 ? 'happy' : 'surprised';
    writeFileSync(join(folder, `${expression}-${i % 6}.png`), await drawn(expression, i % 6));
  }
  const wall = sharp({ create: { width: 90, height: 90, channels: 3, background: '#777' } });
  await wall.png().toFile(join(folder, 'wall.png'));
  writeFileSync(join(folder, 'broken.png'), 'no picture');
  writeFileSync(join(folder, 'notes.txt'), 'no picture');
  return folder;
}

function drawn(expression: DrawnExpression, who: number): Promise<Buffer> {
  return sharp(Buffer.from(drawnFace(expression, who)))
    .png()
    .toBuffer();
}
