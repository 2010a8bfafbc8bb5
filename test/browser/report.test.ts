import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportHtml } from '../../src/report/report-html.js';
import { measure } from '../../src/tfjs/evaluate/metrics.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { haveChromium, startChromium } from './chromium.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-report-page-'));
const EPOCHS = 12;

/** A report on drawn figures: 2, 7 or 40 classes, names of up to 22 letters. */
async function writeReport(classes: number): Promise<void> {
  const random = randomStream(classes);
  const names = Array.from({ length: classes }, (_, c) => `${['look', 'expression'][c % 2]} number ${1000 + c}`);
  const count = 30 * classes;
  const probabilities = new Float32Array(count * classes).map(() => random());
  const labels = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const truth = i % classes;
    labels[i * classes + truth] = 1;
    probabilities[i * classes + truth] += random();
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const sum = row.reduce((total, value) => total + value, 0);
    row.forEach((value, c) => {
      row[c] = value / sum;
    });
  }
  const rising = (from: number, by: number) => Array.from({ length: EPOCHS }, (_, e) => from + by * e);
  const file = join(folder, 'face.png');
  await sharp({ create: { width: 60, height: 40, channels: 3, background: '#888888' } })
    .png()
    .toFile(file);
  const page = await reportHtml({
    title: 'a-run-with-a-rather-long-name-that-has-no-space-in-it',
    measuredOn: 'faces-split/test, 1,400 images',
    evaluation: measure(probabilities, labels, names),
    model: `Model: "fer_dcnn"\n${'layer '.repeat(30)}`,
    training: {
      history: {
        ...{ loss: rising(2, -0.1), accuracy: rising(0.36, 0.0005), learningRate: rising(1e-3, 0) },
        ...{ valLoss: rising(2, -0.05), valAccuracy: rising(0.362, 0.0005), valMacroRecall: rising(0.3, 0) },
      },
      best: { epoch: 3, loss: 1, accuracy: 0.36, learningRate: 1e-3 },
      stoppedAt: EPOCHS,
    },
    mistakes: Array.from({ length: 5 }, (_, i) => ({
      file: i === 0 ? '/gone/a_rather_long_file_name_of_a_picture_0001.png' : file,
      ...{ truth: names[0], said: names[1], probability: 0.9 },
    })),
    tables: { Settings: { augment: JSON.stringify({ shear: 0.2, zoom: 0.2, mirror: true, brightness: 0.1 }) } },
  });
  writeFileSync(join(folder, `${classes}.html`), page);
}

let browser: Browser;
beforeAll(async () => {
  if (!haveChromium) return;
  browser = await startChromium();
  for (const classes of [2, 7, 40]) await writeReport(classes);
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

interface Seen {
  overflow: number;
  brokenNumbers: string[];
  lines: { left: number; top: number; bottom: number; width: number }[];
  pictures: { left: number; right: number; width: number; height: number }[];
  cut: string[];
  colours: string[];
}

describe.runIf(haveChromium).each([2, 7, 40])('report.html of %d classes', (classes) => {
  test.each([390, 820, 1280])('is readable at %d pixels, light and dark', async (width) => {
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      await page.goto(pathToFileURL(join(folder, `${classes}.html`)).href);
      const seen: Seen = await page.evaluate(() => {
        const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
        const textOf = (element: Element) => {
          const range = document.createRange();
          range.selectNodeContents(element);
          return { rows: new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size, range };
        };
        const box = (element: Element) => element.getBoundingClientRect();
        const figures = all('.figures')[0].parentElement!;
        return {
          overflow: document.documentElement.scrollWidth - innerWidth,
          brokenNumbers: all('.figures td, .tiles dd').flatMap((td) => (textOf(td).rows > 1 ? [td.textContent] : [])),
          lines: all('section:nth-of-type(2) img').map((image) => {
            const { left, top, bottom, width } = box(image);
            return { left, top, bottom, width };
          }),
          pictures: all('.mistakes img, .gone').map((image) => {
            const { left, right, width, height } = box(image);
            return { left, right, width, height };
          }),
          // What scrolls sideways may be wider than the screen; the table of figures needs no scrolling.
          cut: [figures].flatMap((each) => (each.scrollWidth > each.clientWidth + 1 ? ['figures'] : [])),
          colours: [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color],
        };
      });
      expect(seen.overflow).toBeLessThanOrEqual(0);
      expect(seen.brokenNumbers).toEqual([]);
      expect(seen.cut).toEqual([]);
      const [loss, accuracy] = seen.lines;
      expect(seen.lines).toHaveLength(2);
      if (width === 390) {
        expect(accuracy.top).toBeGreaterThanOrEqual(loss.bottom);
        expect(loss.width).toBeGreaterThan(300);
      } else expect(accuracy.left).toBeGreaterThan(loss.left + loss.width - 1);
      expect(seen.pictures).toHaveLength(5);
      for (const picture of seen.pictures) {
        expect(picture.left).toBeGreaterThanOrEqual(0);
        expect(picture.right).toBeLessThanOrEqual(width);
        expect(picture.width).toBeGreaterThan(80);
        expect(Math.abs(picture.width - picture.height)).toBeLessThan(1);
      }
      grounds.push(seen.colours.join());
      await page.close();
    }
    expect(new Set(grounds).size).toBe(2);
  });
});
