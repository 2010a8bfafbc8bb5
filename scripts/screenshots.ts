/**
 * Takes screenshots of every state of the pages of `npx fer-dcnn studio` and of reports, for visual checks: `npm run
 * screenshots`, into `screenshots/`, with contact sheets in `screenshots/sheets/`. In each installed browser, on a phone,
 * a tablet and a desk, light and dark. `npm run screenshots -- firefox dark teach` does one browser, scheme and page.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { trainOnFaces } from '../src/cli/train-on-faces.js';
import { serveStudio } from '../src/studio/serve-studio.js';
import type { Engine } from '../test/browser/browsers.js';
import { type EnginePage, endBrowsers, engines, openPage } from '../test/browser/engines.js';
import { writeReport } from '../test/browser/example-report.js';
import { contactSheets } from './screenshots/contact-sheets.js';
import { serveInFront } from './screenshots/serve-in-front.js';

const SIZES = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1280, height: 900 },
];

/** A click on the element that a selector finds, or a function that runs in the frame's parent, with arguments. */
// biome-ignore lint/suspicious/noExplicitAny: functions of any arguments that JSON holds
type Step = string | [call: (...args: any[]) => unknown, ...args: unknown[]];

interface State {
  name: string;
  /** The page is reloaded with this at the end of its address. */
  opens?: string;
  /** Whether the package's binaries are held back, so that the page stays in loading. */
  waits?: boolean;
  steps?: Step[];
  /** Waits until this element is visible. */
  until: string;
  /** Also waits until the page shows this text. */
  says?: string;
  /** Only the window's content, not the whole page. */
  fold?: boolean;
  /** A short state: time stands still in the page while pictures are taken. */
  passing?: boolean;
}

const PAGES: Record<string, State[]> = {
  webcam: [
    { name: 'loading', opens: '', waits: true, until: '#camera:disabled' },
    { name: 'first', until: '#camera:enabled' },
    { name: 'drawn', steps: ['#drawn'], until: '#frame', says: 'Face 3 looks' },
    { name: 'camera', steps: [[drawCamera], '#camera'], until: '#frame', says: 'looks' },
    { name: 'second-face', steps: ['#faces label:last-of-type input'], until: '#frame' },
    { name: 'stopped', steps: ['#camera'], until: '#summary' },
    { name: 'no-face', steps: [[chooseFiles, '#picker', ['wall']]], until: '#frame', says: 'No face was found' },
    { name: 'no-picture', steps: [[chooseFiles, '#picker', ['broken']]], until: '#notice' },
    { name: 'blocked', steps: [[blockCamera], '#camera'], until: '#notice', says: 'The camera is blocked' },
    { name: 'no-wasm', opens: '?without-wasm', until: '#notice', says: 'WebAssembly' },
  ],
  teach: [
    { name: 'loading', opens: '', waits: true, until: '#camera:disabled' },
    { name: 'first', until: '#camera:enabled' },
    { name: 'camera', steps: [[drawCamera], '#camera'], until: '#speed' },
    { name: 'get-ready', steps: ['[aria-label="Record surprised"]'], until: '.countdown', fold: true, passing: true },
    { name: 'recording', until: '.countdown.runs', fold: true, passing: true },
    { name: 'recorded', until: '[aria-label="Clear surprised"]:enabled' },
    { name: 'own-class', steps: ['#add-class', '#camera', '#drawn'], until: '[aria-label="Clear surprised"]:enabled' },
    { name: 'training', steps: ['#train'], until: '.curve', passing: true },
    { name: 'result', until: '#verdict' },
    { name: 'try', steps: ['#try-camera'], until: '.readings .top' },
    { name: 'blocked', steps: ['#camera', [blockCamera], '#camera'], until: '#notice', says: 'The camera is blocked' },
    { name: 'no-wasm', opens: '?without-wasm', until: '#notice', says: 'WebAssembly' },
  ],
  pictures: [
    { name: 'loading', opens: '', waits: true, until: '#choose-folder:disabled' },
    { name: 'first', until: '#try-drawn:enabled' },
    { name: 'faces', steps: ['#try-drawn'], until: '#grid .card', says: '30 faces on 30 pictures.' },
    { name: 'one-chosen', steps: ['#grid .card'], until: '#inspected' },
    { name: 'labels', steps: [[addLabels]], until: '#add-class' },
    { name: 'several-chosen', steps: [[chooseAndLabel]], until: '#label-as', says: '12 faces' },
    { name: 'empty-filter', steps: [[filterBy, 'bored']], until: '#nothing' },
    { name: 'saved', steps: [[filterBy, 'All'], '#save-csv'], until: '#kept', says: 'saved as faces.csv' },
    { name: 'training', steps: ['#train'], until: '#training', says: 'Epoch 1', passing: true },
    { name: 'trained', until: '#trained' },
    {
      name: 'folder',
      steps: ['#clear', [chooseFiles, '#picker', ['face', 'wall', 'broken', 'notes']]],
      until: '#faceless',
      says: 'cannot read',
    },
    {
      name: 'no-server',
      opens: '?without-token',
      steps: ['#try-drawn'],
      until: '#train-needs',
      says: '30 faces on 30',
    },
    { name: 'no-wasm', opens: '?without-wasm', until: '#notice', says: 'WebAssembly' },
  ],
  report: [
    { name: 'of-2', opens: '2.html', until: 'h1' },
    { name: 'of-7', opens: '7.html', until: 'h1' },
    { name: 'of-40', opens: '40.html', until: 'h1' },
  ],
};

const TOKEN = 'screenshots';
const [onlyEngine, onlyScheme, onlyPage] = process.argv.slice(2);
const wanted = (only: string | undefined, name: string) => only === undefined || only === 'all' || only === name;
const here = resolve('screenshots');
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-screenshots-'));
for (const classes of [2, 7, 40]) await writeReport(classes, folder);
const root = new URL('../', import.meta.url);
mkdirSync(here, { recursive: true });
// Trainings and reports are written into the program's working folder.
process.chdir(folder);
const studio = await serveStudio({ root, out: 'runs', token: TOKEN, train: trainOnFaces() });
const front = await serveInFront(studio.port, folder);
try {
  for (const engine of engines.filter((name) => wanted(onlyEngine, name))) {
    for (const scheme of ['light', 'dark'] as const) {
      if (wanted(onlyScheme, scheme)) await shootAll(engine, scheme);
    }
  }
  await contactSheets(here);
} finally {
  await endBrowsers();
  await front.close();
  await studio.close();
  process.chdir(here);
  rmSync(folder, { recursive: true, force: true });
}

async function shootAll(engine: Engine, scheme: 'light' | 'dark'): Promise<void> {
  const page = await openPage(engine, `${front.url}frame.html`, { viewport: SIZES[2], colorScheme: scheme });
  try {
    for (const name of Object.keys(PAGES).filter((name) => wanted(onlyPage, name))) {
      const begin = Date.now();
      const errors = (await page.errors()).length;
      try {
        for (const [i, state] of PAGES[name].entries()) {
          const fileOf = (width: number) => `${name}-${engine}-${width}-${scheme}-${10 + i}-${state.name}.png`;
          await reach(page, name, state).catch(async (error) => {
            writeFileSync(join(here, `failed-${fileOf(0)}`), await page.screenshot());
            throw new Error(`${state.name}: ${(error as Error).message.slice(0, 300)}`);
          });
          for (const size of SIZES) await save(page, size, state, join(here, fileOf(size.width)));
          if (state.passing) await page.evaluate(inFrame, 'startTime');
        }
      } catch (error) {
        console.log(`!! ${name}, ${engine}, ${scheme}: ${(error as Error).message}`);
        process.exitCode = 1;
      }
      front.release();
      const told = (await page.errors()).slice(errors);
      console.log(`${name}, ${engine}, ${scheme}: ${Math.round((Date.now() - begin) / 1000)} s ${told.join('; ')}`);
    }
  } finally {
    await page.close();
  }
}

/** Performs the steps to a state, and waits for it. */
async function reach(page: EnginePage, name: string, state: State): Promise<void> {
  const { opens, waits = false, steps = [], until, says = '', passing = false } = state;
  if (waits) front.hold();
  else front.release();
  if (opens !== undefined) {
    const token = opens === '' ? `#token=${TOKEN}` : '';
    await page.evaluate(openInFrame, name === 'report' ? `reports/${opens}` : `${name}/${opens}${token}`);
    await page.waitFor(isLoaded);
  }
  for (const step of steps) {
    if (typeof step === 'string') {
      await page.waitFor(isReady, `${step}:not(:disabled)`, '');
      await page.evaluate(click, step);
    } else await page.evaluate(step[0], ...step.slice(1));
  }
  // Training takes longer than one wait on a busy machine.
  for (let tries = 0; ; tries++) {
    try {
      await page.waitFor(isReady, until, says);
      break;
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
  if (passing) await page.evaluate(inFrame, 'stopTime');
  // Transitions end, pictures are decoded.
  await page.evaluate(() => new Promise((done) => setTimeout(done, 500)));
}

/** Saves a screenshot at a size; for a whole page, window and frame get its height for a moment. */
async function save(page: EnginePage, size: { width: number; height: number }, { fold }: State, file: string) {
  await page.setViewport({ width: Math.max(size.width, 480), height: size.height });
  await page.evaluate(setSize, size.width, size.height);
  let { height } = size;
  if (!fold) {
    await page.evaluate(settled);
    height = Math.max(height, Math.min(4000, await page.evaluate(() => frames[0].document.body.offsetHeight + 40)));
    await page.setViewport({ width: Math.max(size.width, 480), height });
    await page.evaluate(setSize, size.width, height);
  }
  await page.evaluate(settled);
  const shot = sharp(await page.screenshot());
  const { width: across, height: down } = await shot.metadata();
  await shot
    .extract({ left: 0, top: 0, width: Math.min(size.width, across), height: Math.min(height, down) })
    .png()
    .toFile(file);
}

function settled(): Promise<unknown> {
  frames[0].scrollTo(0, 0);
  return new Promise((done) => setTimeout(done, 400));
}

function openInFrame(address: string): void {
  const { contentWindow } = document.querySelector('iframe')!;
  if (address.endsWith('without-token')) contentWindow!.sessionStorage.clear();
  // An address that differs only after # is not loaded again.
  Object.assign(globalThis, { before: contentWindow!.document });
  contentWindow!.location.replace(`/${address.replace('#', `?${Math.random()}#`)}`);
}

function isLoaded(): boolean {
  const { document } = frames[0];
  return document !== (globalThis as unknown as { before: Document }).before && document.readyState === 'complete';
}

function setSize(width: number, height: number): void {
  const frame = document.querySelector('iframe')!;
  frame.style.width = `${width}px`;
  frame.style.height = `${height}px`;
}

function isReady(selector: string, says: string): boolean {
  const { document } = frames[0];
  const found = document.querySelector<HTMLElement>(selector);
  return found?.checkVisibility() === true && document.body.textContent!.includes(says);
}

function click(selector: string): void {
  frames[0].document.querySelector<HTMLElement>(selector)!.click();
}

function inFrame(name: string): void {
  (frames[0] as unknown as Record<string, () => void>)[name]();
}

/** Puts generated files into an `<input type="file">`. */
function chooseFiles(selector: string, names: string[]): void {
  const { document, DataTransfer, File } = frames[0] as unknown as typeof globalThis;
  const pictureOf = (face: boolean) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 320, height: 320 });
    const context = canvas.getContext('2d')!;
    context.fillStyle = '#8a8';
    context.fillRect(0, 0, 320, 320);
    const drawn = document.querySelector<HTMLImageElement>('.faces img, #fan img');
    if (face && drawn) context.drawImage(drawn, 0, 0, 320, 320);
    return Uint8Array.from(atob(canvas.toDataURL().split(',')[1]), (letter) => letter.charCodeAt(0));
  };
  const transfer = new DataTransfer();
  for (const name of names) {
    if (name === 'notes') transfer.items.add(new File(['text'], 'notes.txt', { type: 'text/plain' }));
    else {
      const content = name === 'broken' ? 'no picture' : pictureOf(name === 'face');
      transfer.items.add(new File([content], `${name}.png`, { type: 'image/png' }));
    }
  }
  const input = document.querySelector<HTMLInputElement>(selector)!;
  input.files = transfer.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

/** A camera that sees two drawn people: in browsers that have a fake camera and in those that have none. */
function drawCamera(): void {
  const { document, navigator } = frames[0];
  const images = [...document.querySelectorAll<HTMLImageElement>('.portraits img')];
  const getUserMedia = async () => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 640, height: 480 });
    const context = canvas.getContext('2d')!;
    let frame = 0;
    const draw = () => {
      frame++;
      context.fillStyle = '#c9d3e0';
      context.fillRect(0, 0, 640, 480);
      context.drawImage(images[0], 10 + 4 * Math.sin(frame / 9), 100, 300, 300);
      context.drawImage(images[1], 330, 100 + 4 * Math.cos(frame / 9), 300, 300);
    };
    draw();
    setInterval(draw, 33);
    return canvas.captureStream(30);
  };
  Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia }, configurable: true });
}

function blockCamera(): void {
  const getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  Object.defineProperty(frames[0].navigator, 'mediaDevices', { value: { getUserMedia }, configurable: true });
}

/** Two custom labels, one of them long. */
function addLabels(): void {
  const { document } = frames[0];
  document.querySelector<HTMLDetailsElement>('#classes')!.open = true;
  for (const name of ['bored', 'not quite sure what this is']) {
    document.querySelector<HTMLInputElement>('#class-name')!.value = name;
    document.querySelector<HTMLButtonElement>('#add-class button')!.click();
  }
}

/** Six faces of each of two labels, two rows of the grid. */
function chooseAndLabel(): void {
  const { document, MouseEvent } = frames[0] as unknown as typeof globalThis;
  const choose = (from: number, to: number) => {
    const cards = document.querySelectorAll('#grid .card');
    cards[from].dispatchEvent(new MouseEvent('click', { bubbles: true }));
    cards[to].dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: true }));
  };
  const labels = () => document.querySelectorAll<HTMLButtonElement>('#label-as button');
  choose(0, 5);
  labels()[0].click();
  choose(6, 11);
  labels()[1].click();
  choose(0, 11);
}

function filterBy(name: string): void {
  const { document } = frames[0];
  const found = [...document.querySelectorAll<HTMLLabelElement>('#filter label')].find(
    (label) => label.querySelector('.word')!.textContent === name,
  );
  found!.click();
}
