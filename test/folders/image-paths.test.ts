import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imagePaths } from '../../src/folders/image-paths.js';
import type { LeftOut } from '../../src/folders/walk-images.js';
import { bundled } from '../bundled.js';
import { leftOut, NIGHT } from '../night.js';

/** Folders that are searched before the search is stopped. */
const FOLDERS = NIGHT ? 20_000 : 5_000;
if (!NIGHT) leftOut('a search of 20,000 folders that is stopped, instead of 5,000', '1');

const top = realpathSync(mkdtempSync(join(tmpdir(), 'fer-dcnn-paths-')));
const dir = join(top, 'faces');
const JPEG = Buffer.from('\xff\xd8\xff\xe0', 'latin1');

function write(name: string, bytes: Buffer | string = JPEG): void {
  mkdirSync(dirname(join(top, name)), { recursive: true });
  writeFileSync(join(top, name), bytes);
}

const names = (paths: string[]) => paths.map((path) => relative(top, path).replaceAll('\\', '/'));

beforeAll(() => {
  for (const name of ['a.jpg', 'sub/b.JPG', 'sub/c.jfif', 'sub/d']) write(`faces/${name}`);
  write('faces/notes.txt', 'text');
  write('faces/old.bmp', 'BM');
  write('outside/secret.jpg');
  symlinkSync(join(top, 'outside'), join(dir, 'way-out'));
  symlinkSync(join(top, 'outside/secret.jpg'), join(dir, 'secret.jpg'));
  symlinkSync(dir, join(dir, 'sub/loop'));
  symlinkSync('round', join(dir, 'round'));
});
afterAll(() => rmSync(top, { recursive: true }));

describe('imagePaths', () => {
  test('a folder: images by content, each once, none outside it; what is left out is reported', async () => {
    const leftOut: LeftOut[] = [];
    const found = await imagePaths(dir, { onLeftOut: (each) => leftOut.push(each) });
    expect(names(found)).toEqual(['faces/a.jpg', 'faces/sub/b.JPG', 'faces/sub/c.jfif', 'faces/sub/d']);
    expect(Object.fromEntries(leftOut.map(({ path, kind }) => [names([path])[0], kind]))).toEqual({
      'faces/notes.txt': 'no-image',
      'faces/old.bmp': 'format',
      'faces/round': 'link',
      'faces/secret.jpg': 'link',
      'faces/sub/loop': 'link',
      'faces/way-out': 'link',
    });
  });

  test('of a pattern: links to files fit, links to folders are not followed', async () => {
    expect(names(await imagePaths(`${dir}/**/*.jpg`))).toEqual(['faces/a.jpg', 'faces/secret.jpg']);
    expect(names(await imagePaths(`${dir}/*/*`))).toEqual(['faces/sub/b.JPG', 'faces/sub/c.jfif', 'faces/sub/d']);
  });

  test('returns a name that neither exists nor is a pattern', async () => {
    expect(await imagePaths(join(dir, 'gone.jpg'))).toEqual([join(dir, 'gone.jpg')]);
  });

  test('nothing found is NOT_FOUND', async () => {
    for (const name of [`${dir}/**/*.nope`, join(top, 'empty')]) {
      mkdirSync(join(top, 'empty'), { recursive: true });
      await expect(imagePaths(name)).rejects.toMatchObject({ name: 'FerError', code: 'NOT_FOUND' });
    }
  });

  test.each([
    ['a folder', top],
    ['a pattern', `${top}/**/*.nope`],
  ])('of %s stops at a signal', async (_, name) => {
    await expect(imagePaths(name, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const controller = new AbortController();
    const search = imagePaths(name, { signal: controller.signal });
    controller.abort();
    await expect(search).rejects.toMatchObject({ name: 'FerError', code: 'ABORTED' });
  });
});

test.skipIf(process.platform === 'win32')(
  'classify of a pattern over the whole disk ends at SIGTERM, and takes little memory until then',
  async () => {
    writeFileSync(
      join(top, 'tell.mjs'),
      `import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { readdir } = fs;
      let folders = 0;
      fs.readdir = (...args) => {
        if (++folders === ${FOLDERS}) process.send('searching');
        readdir(...args);
      };
      syncBuiltinESMExports();`,
    );
    const options = ['--max-old-space-size=200', `--import=${pathToFileURL(join(top, 'tell.mjs')).href}`];
    const child = spawn(process.execPath, [...options, bundled('src/cli/index.ts'), 'classify', '/**/*.nope'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr!.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('message', () => child.kill('SIGTERM'));
    const [code] = await once(child, 'close');
    // A disk of fewer folders is searched to its end.
    expect(code === 143 || stderr.includes('no file matches'), stderr).toBe(true);
  },
);
