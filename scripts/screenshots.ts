/**
 * Takes screenshots of every state of the example pages, to be looked at: `npm run screenshots`, into `screenshots/`. In each
 * browser that is here, on a phone, a tablet and a desk, light and dark. `npm run screenshots -- firefox 390 webcam` does one
 * browser, width and page.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import config from '../examples/vite.config.js';
import type { Engine } from '../test/browser/browsers.js';
import { type EnginePage, engines, openPage } from '../test/browser/engines.js';
import { serveStatic } from '../test/browser/servers.js';

const SIZES = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1280, height: 900 },
];

/** What is done from one screenshot to the next. */
interface State {
  name: string;
  /** Elements of the page that are clicked, one after the other. */
  clicks?: string[];
  /** Until this element is there, and is seen. */
  until: string;
  /** Until this element says so, too. */
  says?: string;
  /** The window's content alone, not the whole page. */
  fold?: boolean;
}

const PAGES: Record<string, State[]> = {
  webcam: [
    { name: 'first', until: '#camera:enabled' },
    { name: 'drawn', clicks: ['#drawn'], until: '#frame', says: 'Face 3 looks' },
    { name: 'camera', clicks: ['#camera'], until: '#speed', says: 'Face 2 looks' },
    { name: 'second-face', clicks: ['#face-2'], until: '#speed' },
    { name: 'stopped', clicks: ['#camera'], until: '#summary' },
  ],
  teach: [
    { name: 'first', until: '#camera:enabled' },
    { name: 'camera', clicks: ['#camera'], until: '#speed' },
    { name: 'recording', clicks: ['[aria-label="Record surprised"]'], until: '.countdown.runs', fold: true },
    { name: 'recorded', until: '[aria-label="Clear surprised"]:enabled' },
    { name: 'own-class', clicks: ['#add-class', '#camera', '#drawn'], until: '[aria-label="Clear surprised"]:enabled' },
    { name: 'training', clicks: ['#train'], until: '.curve' },
    { name: 'result', until: '#verdict' },
    { name: 'try', clicks: ['#try-camera'], until: '.readings .top' },
  ],
};

const [onlyEngine, onlyWidth, onlyPage] = process.argv.slice(2);
const pages = Object.keys(PAGES).filter((name) => onlyPage === undefined || name === onlyPage);
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-screenshots-'));
for (const name of pages) {
  const outDir = join(folder, name);
  await build({ ...config, root: resolve('examples', name), configFile: false, logLevel: 'error', build: { outDir } });
}
// Browsers' windows are not as narrow as a phone: a frame is. `__name` is what tsx puts into functions.
writeFileSync(
  join(folder, 'frame.html'),
  '<!doctype html><html lang="en"><link rel="icon" href="data:," /><title>frame</title><script>globalThis.__name = (of) => of</script><style>body{margin:0}</style><iframe style="border:0;display:block"></iframe>',
);
const served = await serveStatic(folder);
mkdirSync('screenshots', { recursive: true });
try {
  for (const engine of engines.filter((name) => onlyEngine === undefined || name === onlyEngine)) {
    for (const size of SIZES.filter(({ width }) => onlyWidth === undefined || `${width}` === onlyWidth)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        for (const name of pages) await shoot(engine, name, size, colorScheme);
      }
    }
  }
} finally {
  await served.close();
  rmSync(folder, { recursive: true, force: true });
}

async function shoot(engine: Engine, name: string, size: (typeof SIZES)[0], colorScheme: 'light' | 'dark') {
  const viewport = { width: Math.max(size.width, 480), height: size.height };
  const page = await openPage(engine, `${served.url}frame.html`, { viewport, colorScheme });
  const label = `${name}-${engine}-${size.width}-${colorScheme}`;
  try {
    await page.evaluate(openInFrame, `${name}/index.html`, size.width, size.height);
    await page.waitFor(() => frames[0].document.querySelector('#camera:enabled') !== null);
    await page.evaluate(drawCamera);
    for (const [i, { clicks = [], until, says = '', fold = false, name: state }] of PAGES[name].entries()) {
      for (const selector of clicks) {
        await page.waitFor(isReady, `${selector}:enabled`, '');
        await page.evaluate(click, selector);
      }
      // Training takes longer than one wait on a busy machine.
      for (let tries = 0; ; tries++) {
        try {
          await page.waitFor(isReady, until, says);
          break;
        } catch (error) {
          if (tries === 4) throw error;
        }
      }
      await page.evaluate(() => new Promise((done) => setTimeout(done, 700)));
      await save(page, fold ? null : size, viewport, join('screenshots', `${label}-${i + 1}-${state}.png`));
    }
    const errors = await page.errors();
    console.log(errors.length === 0 ? label : `${label}: ${errors.join('; ')}`);
  } catch (error) {
    console.log(`!! ${label}: ${(error as Error).message.slice(0, 300)}`);
    await save(page, size, viewport, join('screenshots', `${label}-failed.png`));
    process.exitCode = 1;
  } finally {
    await page.close();
  }
}

/** Saves what is seen; of a whole page, the frame is made as high as that for a moment. */
async function save(
  page: EnginePage,
  whole: { height: number } | null,
  viewport: { width: number; height: number },
  file: string,
) {
  if (whole !== null) {
    const height = Math.max(
      whole.height,
      Math.min(4000, await page.evaluate(() => frames[0].document.documentElement.scrollHeight)),
    );
    await page.setViewport({ width: viewport.width, height });
    await page.evaluate(setHeight, height);
  }
  await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
  writeFileSync(file, await page.screenshot());
  if (whole !== null) {
    await page.evaluate(setHeight, whole.height);
    await page.setViewport(viewport);
  }
}

function openInFrame(address: string, width: number, height: number): void {
  const frame = document.querySelector('iframe')!;
  frame.style.width = `${width}px`;
  frame.style.height = `${height}px`;
  frame.allow = 'camera';
  frame.src = address;
}

function setHeight(height: number): void {
  document.querySelector('iframe')!.style.height = `${height}px`;
}

function isReady(selector: string, says: string): boolean {
  const { document } = frames[0];
  const found = document.querySelector<HTMLElement>(selector);
  return found !== null && found.offsetParent !== null && document.body.textContent!.includes(says);
}

function click(selector: string): void {
  frames[0].document.querySelector<HTMLElement>(selector)!.click();
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
