/**
 * Makes the pictures of the README of the studio's page as it is: `npm run picture`. `docs/studio.png` is a screenshot,
 * `docs/studio.webp` 15 seconds of use. All faces in them are drawn; this repository has no real face. Needs Chromium.
 */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import sharp from 'sharp';
import { trainOnFaces } from '../src/cli/train-on-faces.js';
import { serveStudio } from '../src/studio/serve-studio.js';

const SIZE = { width: 960, height: 640 };
const MOST_BYTES = 600_000;
const TOTAL_MS = 15_000;

const out = await mkdtemp(join(tmpdir(), 'fer-dcnn-picture-'));
const docs = resolve('docs');
// The page shows the folder of a training.
process.chdir(out);
const token = 'picture';
const root = new URL('../', import.meta.url);
const studio = await serveStudio({ root, out: 'runs', token, train: trainOnFaces() });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

/** Pictures of the page, and how long each is seen. */
const frames: { png: Buffer; delay: number }[] = [];

try {
  const page = await browser.newPage({ viewport: SIZE, reducedMotion: 'reduce' });
  const shoot = async (delay: number) => frames.push({ png: await page.screenshot(), delay });
  await page.goto(`http://127.0.0.1:${studio.port}/pictures/#token=${token}`);
  await page.locator('#try-drawn:enabled').waitFor();
  await page.evaluate(() => document.fonts.ready);
  await shoot(1800);

  await page.locator('#try-drawn').click();
  for (const faces of [6, 14, 22]) {
    await page.waitForFunction((least) => document.querySelectorAll('#grid .card').length >= least, faces);
    await shoot(300);
  }
  await page.getByText('30 faces on 30 pictures.').first().waitFor();
  await shoot(900);
  await page.getByLabel('Order').selectOption('expression');
  await shoot(1100);
  await page.getByLabel('Order').selectOption('found');
  await page.locator('#grid .card').first().click();
  await shoot(1300);
  await sharp(frames.at(-1)!.png).png({ palette: true, quality: 90, effort: 10 }).toFile(join(docs, 'studio.png'));

  // The first row is labelled angry, independently of the network; and so on.
  for (const [i, key] of [1, 2, 4, 3, 5].entries()) {
    for (let who = 0; who < 6; who++) {
      await page.keyboard.press(String(key));
      if (i === 0) await shoot(350);
    }
    if (i > 0) await shoot(350);
  }
  await train(page, shoot);
} finally {
  await browser.close();
  await studio.close();
  process.chdir(docs);
  await rm(out, { recursive: true, force: true });
}

/** To the end of the page, where it is trained and the result is seen. */
async function train(page: Page, shoot: (delay: number) => Promise<unknown>): Promise<void> {
  await page.locator('#train').scrollIntoViewIfNeeded();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await shoot(900);
  await page.locator('#train').click();
  for (const share of [0.25, 0.5, 0.75, 0.95]) {
    await page.waitForFunction(
      (least) =>
        document.querySelector<HTMLProgressElement>('#training-progress')!.value >= least ||
        !document.querySelector<HTMLElement>('#trained')!.hidden,
      share,
      { timeout: 240_000 },
    );
    await shoot(350);
  }
  await page.locator('#verdict').waitFor({ timeout: 240_000 });
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await shoot(0);
}

const before = frames.reduce((sum, { delay }) => sum + delay, 0);
frames.at(-1)!.delay = TOTAL_MS - before;
await sharp(
  frames.map(({ png }) => png),
  { join: { animated: true } },
)
  .webp({ quality: 60, effort: 3, loop: 0, delay: frames.map(({ delay }) => delay) })
  .toFile(join(docs, 'studio.webp'));

for (const file of ['studio.png', 'studio.webp']) {
  const { size } = statSync(join(docs, file));
  console.log(`${file}: ${size} bytes`);
  if (size > MOST_BYTES) throw new Error(`${file} has more than ${MOST_BYTES} bytes`);
}
console.log(`${frames.length} frames, ${frames.reduce((sum, { delay }) => sum + delay, 0)} ms`);
