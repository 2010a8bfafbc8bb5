import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leftOut, NIGHT, rows } from '../night.js';
import { type EnginePage, engines, openPage } from './engines.js';
import { type Served, serveStatic } from './servers.js';

const PAGE = `<!doctype html><html lang="en"><head><link rel="icon" href="data:," /><title>page</title><style>
  body { margin: 0; background: rgb(255, 0, 0) }
  @media (prefers-color-scheme: dark) { body { background: rgb(0, 0, 255) } }
</style></head><body>
  <button onclick="this.textContent = 'clicked'">click</button>
  <input type="file" multiple />
</body></html>`;

if (!NIGHT) leftOut('the tests of how engines are driven, but in the first', '1');

describe.each(rows(engines, 1))('a page in %s', (engine) => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-engines-'));
  let served: Served;
  let page: EnginePage;

  beforeAll(async () => {
    writeFileSync(join(folder, 'index.html'), PAGE);
    writeFileSync(join(folder, 'a.txt'), 'some text');
    served = await serveStatic(folder);
    page = await openPage(engine, `${served.url}index.html`, {
      viewport: { width: 600, height: 400 },
      colorScheme: 'dark',
    });
  });
  afterAll(async () => {
    await page?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has the size and the colours that were asked for', async () => {
    expect(await page.evaluate(() => [innerWidth, innerHeight])).toEqual([600, 400]);
    await page.setViewport({ width: 500, height: 300 });
    await page.waitFor(() => innerWidth === 500 && innerHeight === 300);
    const { data, info } = await sharp(await page.screenshot())
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([500, 300]);
    expect([...data.subarray(-info.channels)].slice(0, 3)).toEqual([0, 0, 255]);
  });

  test('takes clicks and files', async () => {
    await page.click('button');
    await page.setFiles('input', [join(folder, 'a.txt'), join(folder, 'index.html')]);
    const read = async (name: string) => {
      const { files } = document.querySelector(name) as HTMLInputElement;
      return [document.querySelector('button')!.textContent, files!.length, await files![0].text()];
    };
    expect(await page.evaluate(read, 'input')).toEqual(['clicked', 2, 'some text']);
  });

  test('reports errors in it', async () => {
    await expect(page.evaluate(() => Promise.reject(new Error('no such thing')))).rejects.toThrow('no such thing');
    expect(await page.errors()).toEqual([]);
    await page.evaluate(() => {
      console.error('first');
      setTimeout(() => {
        throw new Error('second');
      });
    });
    await expect.poll(async () => (await page.errors()).join()).toMatch(/first.*second/s);
  });
});
