import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type DrawnExpression, drawnFace } from '../../examples/page-parts/drawn-face.js';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { type EnginePage, engines } from './engines.js';
import { sharedPage } from './engines-page.js';
import { type StudioProcess, startStudio } from './studio-process.js';

const haveFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!haveFfmpeg) console.warn('\n  !! SKIPPED: no ffmpeg, so no video was chosen in Firefox and WebKit.\n');
if (!NIGHT)
  leftOut('the pages in Firefox and WebKit, but for the webcam page by keyboard and, in Firefox, a folder', '1');
console.warn(`
  !! SKIPPED: the dialogue for folders in Firefox and WebKit. Firefox's driver refuses a folder (BiDi, input.setFiles: "Is
  !! directory"), WebKit's gives the page an empty file of its name. The files of a folder are given to the page instead.
`);

/** In Chromium each page has a test file of its own. */
const others = engines.filter((engine) => engine !== 'chromium');
const out = mkdtempSync(join(tmpdir(), 'fer-dcnn-pages-'));
let studio: StudioProcess;

beforeAll(async () => {
  if (others.length > 0) studio = await startStudio(inject('consumer').folder, join(out, 'runs'));
});
afterAll(async () => {
  await studio?.stop();
  rmSync(out, { recursive: true, force: true });
});

describe.each(others)('the pages in %s', (engine) => {
  let page: EnginePage;

  beforeAll(async () => {
    page = await sharedPage(engine);
    await page.setViewport({ width: 1280, height: 900 });
  });

  const open = async (name: string, ready: string) => {
    await page.goto(new URL(`/${name}/`, studio.address).href);
    await page.waitFor((id) => !document.querySelector<HTMLButtonElement>(`#${id}`)!.disabled, ready);
  };
  const says = (selector: string, text: string) =>
    page.waitFor((selector, text) => document.querySelector(selector)!.textContent!.includes(text), selector, text);

  /** Presses Tab until the focus is on what a selector finds, in the order of the page: Firefox does not begin anew at its end. */
  const tabTo = async (selector: string) => {
    for (let i = 0; i < 60; i++) {
      await page.press('Tab');
      if (await page.evaluate((selector) => document.activeElement!.matches(selector), selector)) return;
    }
    throw new Error(`Tab does not come to ${selector}`);
  };

  test('webcam, by keyboard alone: drawn faces, the picture saved, another face, the words', async () => {
    await open('webcam', 'open');
    await tabTo('#drawn');
    await page.press('Enter');
    await says('#status', 'Face 1 looks happy. Face 2 looks surprised. Face 3 looks sad.');
    await recordDownloads(page);
    await tabTo('#save');
    await page.press('Space');
    await page.waitFor(() => (globalThis as unknown as { saved: Blob[] }).saved.length > 0);
    const [png] = await downloads(page);
    expect(await sharp(Buffer.from(png, 'base64')).metadata()).toMatchObject({
      format: 'png',
      width: 960,
      height: 320,
    });
    await tabTo('#faces :checked');
    const chosen = () => page.evaluate(() => document.querySelector<HTMLInputElement>('#faces :checked')!.id);
    const before = await chosen();
    await page.press('ArrowRight');
    expect(await chosen()).not.toBe(before);
    await tabTo('#words summary');
    await page.press('Enter');
    expect(await page.evaluate(() => document.querySelector<HTMLDetailsElement>('#words')!.open)).toBe(true);
    expect(await page.errors()).toEqual([]);
  });

  nightTest('webcam: a picture of a file is read, and a click selects another face', async () => {
    await open('webcam', 'open');
    await page.setFiles('#picker', [await picture('happy', 0, 2)]);
    await says('#status', 'Face 1 looks happy. Face 2 looks happy.');
    const chosen = () => page.evaluate(() => document.querySelector<HTMLInputElement>('#faces :checked')!.id);
    const before = await chosen();
    await page.click(`#faces label:not([for=${before}])`);
    expect(await chosen()).not.toBe(before);
    expect(await page.errors()).toEqual([]);
  });

  test.runIf(NIGHT || engine === 'firefox')(
    'studio: a folder is read with its subfolders, which become labels',
    async () => {
      await open('pictures', 'choose-folder');
      // What the picker for folders gives, file by file: no driver chooses a folder.
      const files = [
        ['holiday/sad/1.png', await picture('sad', 1)],
        ['holiday/sad/notes.txt', 'test/night.ts'],
        ['holiday/happy/2.png', await picture('happy', 2)],
      ].map(([path, file]) => [path, readFileSync(file).toString('base64')]);
      await page.evaluate((files) => {
        const transfer = new DataTransfer();
        for (const [path, base64] of files) {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          const file = new File([bytes], path.split('/').at(-1)!, { type: path.endsWith('png') ? 'image/png' : '' });
          Object.defineProperty(file, 'webkitRelativePath', { value: path });
          transfer.items.add(file);
        }
        const input = document.querySelector<HTMLInputElement>('#folder-picker')!;
        if (!input.webkitdirectory) throw new Error('this browser has no picker for folders');
        Object.defineProperty(input, 'files', { value: transfer.files, configurable: true });
        input.dispatchEvent(new Event('change'));
        Reflect.deleteProperty(input, 'files');
      }, files);
      await says('#status', '2 faces on 2 pictures.');
      await says('#notice', '1 file left out: not a picture.');
      const titles = () =>
        page.evaluate(() => [...document.querySelectorAll('#grid .card')].map((card) => card.getAttribute('title')));
      expect(await titles()).toEqual(['holiday/happy/2.png', 'holiday/sad/1.png']);
      await page.evaluate(() => {
        document.querySelector<HTMLDetailsElement>('#classes')!.open = true;
      });
      await page.click('#from-folders');
      const words = await page.evaluate(() =>
        [...document.querySelectorAll('#grid .word')].map((word) => word.lastChild!.textContent),
      );
      expect(words).toEqual(['happy', 'sad']);
      expect(await page.errors()).toEqual([]);
    },
  );

  test.runIf(NIGHT && haveFfmpeg)('webcam: a video is followed to its end, or refused in words', async () => {
    const file = await video();
    await open('webcam', 'open');
    await page.setFiles('#picker', [file]);
    await page.waitFor(() =>
      ['#summary', '#notice'].some((selector) => !document.querySelector<HTMLElement>(selector)!.hidden),
    );
    const { summary, notice, reads } = await page.evaluate(() => ({
      summary: document.querySelector('#headline')!.textContent,
      notice: document.querySelector('#notice')!.textContent,
      reads: document.createElement('video').canPlayType('video/webm; codecs=vp8') !== '',
    }));
    if (reads) expect(summary).toMatch(/^In 0:0[12] there was one face, (mostly happy|happy all the time)/);
    else expect(notice).toBe('This browser cannot read clip.webm as a video.');
  });

  nightTest('teach: learns from pictures, and gives a model', async () => {
    await open('teach', 'camera');
    for (const expression of ['happy', 'sad'] as const) {
      const faces = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((who) => picture(expression, who)));
      await page.setFiles(`input[data-name=${expression}]`, faces);
      await says(`[aria-label=${expression}]`, '8 faces');
    }
    await recordDownloads(page);
    await page.click('#train');
    const isThere = () => !document.querySelector<HTMLElement>('#result')!.hidden;
    // Training takes longer than one wait on a busy machine.
    for (let tries = 0; tries < 4 && !(await page.evaluate(isThere)); tries++)
      await page.waitFor(isThere).catch(() => {});
    expect(await page.evaluate(() => document.querySelector('#verdict')!.textContent)).toMatch(
      /[0-4] of the 4 faces kept aside .* right; before it was \d/,
    );
    await page.click('#model-json');
    const [json] = await downloads(page);
    expect(JSON.parse(Buffer.from(json, 'base64').toString())).toMatchObject({ format: 'layers-model' });
    expect(await page.errors()).toEqual([]);
  });

  nightTest('studio: pictures are labelled by keyboard and saved as CSV and as folders', async () => {
    await open('pictures', 'choose-folder');
    const files = [await picture('happy', 1), await picture('happy', 2), await picture('surprised', 3)];
    await page.setFiles('#picker', files);
    await says('#status', '3 faces on 3 pictures.');
    // The list is reached by Tab, from the field above it.
    await page.evaluate(() => document.querySelector<HTMLElement>('#order')!.focus());
    await page.press('Tab');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('grid');
    for (const key of ['3', 'ArrowRight', '1']) await page.press(key);
    const words = await page.evaluate(() =>
      [...document.querySelectorAll('#grid .word')].map((word) => word.lastChild!.textContent),
    );
    expect(words).toEqual(['sad', 'happy', 'angry']);

    await page.evaluate(() => void Reflect.deleteProperty(window, 'showDirectoryPicker'));
    await recordDownloads(page);
    await page.click('#save-csv');
    await says('#kept', '3 faces saved as faces.csv.');
    await page.click('#save-folders');
    await says('#kept', '3 faces saved to faces.zip.');
    const [csv, zip] = (await downloads(page)).map((bytes) => Buffer.from(bytes, 'base64'));
    expect(csv.toString()).toMatch(/\r\nhappy-1-1\.png,1,.*,sad,you,/);
    expect(Object.keys(unzipSync(zip)).map((path) => path.split('/').slice(0, 2).join('/'))).toEqual([
      ...['faces/sad', 'faces/happy', 'faces/angry', 'README.txt'],
    ]);
    expect(await page.errors()).toEqual([]);
  });

  nightTest('studio: thirty drawn faces are found, and one is corrected by a click', async () => {
    await open('pictures', 'try-drawn');
    await page.click('#try-drawn');
    await says('#status', '30 faces on 30 pictures.');
    await page.click('#grid [role=option]');
    await page.click('#label-as button');
    const first = await page.evaluate(() => document.querySelector('#grid [role=option]')!.textContent);
    expect(first).toMatch(/^angry .*yours$/);
    expect(await page.errors()).toEqual([]);
  });
});

/** A picture of one drawn person, or of several that stand beside each other. */
async function picture(expression: DrawnExpression, who: number, people = 1): Promise<string> {
  const file = join(out, `${expression}-${who}-${people}.png`);
  const faces = Array.from({ length: people }, (_, i) => Buffer.from(drawnFace(expression, who + i)));
  await sharp({ create: { width: 320 * people, height: 320, channels: 3, background: '#888' } })
    .composite(faces.map((input, i) => ({ input, left: 320 * i, top: 0 })))
    .png()
    .toFile(file);
  return file;
}

/** Two seconds of a drawn face that nods. */
async function video(): Promise<string> {
  const frames = join(out, 'frames');
  mkdirSync(frames, { recursive: true });
  const face = Buffer.from(drawnFace('happy', 0));
  for (let i = 0; i < 20; i++) {
    const ground = sharp({ create: { width: 640, height: 480, channels: 3, background: '#cfd8dc' } });
    const top = 80 + Math.round(10 * Math.sin(i / 3));
    const frame = await ground
      .composite([{ input: face, left: 160, top }])
      .jpeg()
      .toBuffer();
    writeFileSync(join(frames, `${String(i).padStart(2, '0')}.jpg`), frame);
  }
  const file = join(out, 'clip.webm');
  const input = ['-framerate', '10', '-i', join(frames, '%02d.jpg')];
  execFileSync('ffmpeg', [
    ...['-y', '-loglevel', 'error', ...input],
    ...['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', file],
  ]);
  return file;
}

/** Keeps what the page gives as downloads, which go nowhere. */
function recordDownloads(page: EnginePage): Promise<void> {
  return page.evaluate(() => {
    const saved: Blob[] = [];
    Object.assign(globalThis, { saved });
    const { createObjectURL } = URL;
    URL.createObjectURL = (object) => {
      if (object instanceof Blob) saved.push(object);
      return createObjectURL.call(URL, object);
    };
    HTMLAnchorElement.prototype.click = () => {};
  });
}

/** Their bytes, in base64. */
function downloads(page: EnginePage): Promise<string[]> {
  return page.evaluate(() =>
    Promise.all(
      (globalThis as unknown as { saved: Blob[] }).saved.map(async (blob) => {
        const bytes = new Uint8Array(await blob.arrayBuffer());
        let text = '';
        for (const byte of bytes) text += String.fromCharCode(byte);
        return btoa(text);
      }),
    ),
  );
}
