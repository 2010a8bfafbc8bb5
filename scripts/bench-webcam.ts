/**
 * Measures the webcam page in Chromium with a fake camera that sees two drawn people: frames per second, and CPU time per
 * frame of the page, of its worker and of the browser around them. `npm run bench:webcam -- 60` has a camera of 60 frames per
 * second; `npm run bench:webcam -- 60 other-build` compares with another build of the page, in turns.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { type DrawnExpression, drawnFace } from '../examples/page-parts/drawn-face.js';
import { startChromium } from '../test/browser/chromium.js';
import { serveExample } from '../test/browser/example-pages.js';
import { serveStatic } from '../test/browser/servers.js';

const SECONDS = 6;
const ROUNDS = 2;
/** The kernel counts CPU time in these parts of a second. */
const TICKS = 100;

interface Figures {
  'frames a second': number;
  /** CPU ms per frame. */
  page: number;
  worker: number;
  rest: number;
}

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-bench-webcam-'));
const [rate = '60', other] = process.argv.slice(2);
const pages = [await serveExample('webcam', folder)];
if (other !== undefined) pages.push(await serveStatic(resolve(other)));
try {
  const camera = await drawCamera(rate);
  const rows: Record<string, Figures[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { url }] of pages.entries()) {
      const browser = await startChromium([
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        `--use-file-for-fake-video-capture=${camera}`,
      ]);
      const name = i === 0 ? 'this page' : 'the other';
      rows[name] = [...(rows[name] ?? []), await measure(browser, url)];
      await browser.close();
    }
  }
  console.log(`A camera of 640x480 at ${rate} frames a second, medians of ${ROUNDS}; CPU ms a frame:`);
  console.table(Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, medians(all)])));
} finally {
  for (const { close } of pages) await close();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(browser: Browser, url: string): Promise<Figures> {
  const context = await browser.newContext({ permissions: ['camera'], viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(countFrames);
  await page.goto(`${url}index.html`);
  await page.locator('#camera:enabled').click();
  await page.locator('#status').getByText('Face 2 looks').waitFor();
  const before = { frames: await framesOf(page), ...cpuOf(browser) };
  const began = performance.now();
  await page.waitForTimeout(1000 * SECONDS);
  const after = { frames: await framesOf(page), ...cpuOf(browser) };
  const seconds = (performance.now() - began) / 1000;
  const frames = after.frames - before.frames;
  const perFrame = (part: 'page' | 'worker' | 'rest') => Number(((after[part] - before[part]) / frames).toFixed(2));
  return {
    'frames a second': Number((frames / seconds).toFixed(1)),
    page: perFrame('page'),
    worker: perFrame('worker'),
    rest: perFrame('rest'),
  };
}

/** Counts the frames that the page gives to its worker. */
function countFrames(): void {
  const { postMessage } = Worker.prototype;
  Object.assign(globalThis, { framesAsked: 0 });
  Worker.prototype.postMessage = function (message: { name?: string }, ...rest: never[]) {
    if (message.name === 'frame') (globalThis as unknown as { framesAsked: number }).framesAsked++;
    return postMessage.call(this, message, ...rest);
  };
}

function framesOf(page: Page): Promise<number> {
  return page.evaluate(() => (globalThis as unknown as { framesAsked: number }).framesAsked);
}

/** CPU ms so far of the page's main thread, of its worker, and of all else in the browser's processes. */
function cpuOf(browser: Browser): { page: number; worker: number; rest: number } {
  const cpu = { page: 0, worker: 0, rest: 0 };
  for (const pid of descendantsOf(process.pid)) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    if (!command.includes('chrom')) continue;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const ms = ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
      const isMain = thread === String(pid) && command.includes('--type=renderer');
      cpu[isMain ? 'page' : name.startsWith('DedicatedWorker') ? 'worker' : 'rest'] += ms;
    }
  }
  if (!browser.isConnected()) throw new Error('the browser ended');
  return cpu;
}

function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
    } catch {
      // It has ended.
    }
  }
  const found: number[] = [];
  for (const queue = [...(children.get(root) ?? [])]; queue.length > 0; ) {
    const pid = queue.pop()!;
    found.push(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return found;
}

function medians(all: Figures[]): Figures {
  const median = (name: keyof Figures) => all.map((one) => one[name]).sort((a, b) => a - b)[all.length >> 1];
  return {
    'frames a second': median('frames a second'),
    page: median('page'),
    worker: median('worker'),
    rest: median('rest'),
  };
}

/** A film of two drawn people who move a little, as Chromium's fake camera plays it. */
async function drawCamera(rate: string): Promise<string> {
  const frames = join(folder, 'frames');
  mkdirSync(frames, { recursive: true });
  const drawn = (expression: DrawnExpression, who: number) =>
    sharp(Buffer.from(drawnFace(expression, who)))
      .resize(300)
      .png()
      .toBuffer();
  const people = [await drawn('happy', 0), await drawn('surprised', 1)];
  for (let i = 0; i < 30; i++) {
    const shift = Math.round(10 * Math.sin((i / 30) * 2 * Math.PI));
    await sharp({ create: { width: 640, height: 480, channels: 3, background: '#c9d3e0' } })
      .composite(
        people.map((input, who) => ({
          input,
          left: 15 + 310 * who + (who === 0 ? shift : 0),
          top: 90 + (who === 0 ? 0 : shift),
        })),
      )
      .png()
      .toFile(join(frames, `${String(i).padStart(2, '0')}.png`));
  }
  const file = join(folder, `camera-${rate}.y4m`);
  const input = ['-framerate', rate, '-i', join(frames, '%02d.png')];
  execFileSync('ffmpeg', ['-y', '-loglevel', 'error', ...input, '-pix_fmt', 'yuv420p', file]);
  return file;
}
