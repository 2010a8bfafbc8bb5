import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leftOut, NIGHT } from '../night.js';
import { haveChromium, sharedChromium } from './chromium.js';
import { writeReport } from './example-report.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-report-page-'));

if (!NIGHT) leftOut('the report of 7 classes, between those of 2 and of 40', '1');
const SIZES = NIGHT ? [2, 7, 40] : [2, 40];

let page: Page;
beforeAll(async () => {
  if (!haveChromium) return;
  for (const classes of SIZES) await writeReport(classes, folder);
  page = await (await sharedChromium()).newPage();
});
afterAll(async () => {
  await page?.close();
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

describe.runIf(haveChromium).each(SIZES)('report.html of %d classes', (classes) => {
  beforeAll(async () => {
    await page.goto(pathToFileURL(join(folder, `${classes}.html`)).href);
  });

  test.each([390, 820, 1280])('is readable at %d pixels, light and dark', async (width) => {
    const grounds: string[] = [];
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
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
    }
    expect(new Set(grounds).size).toBe(2);
  });
});
