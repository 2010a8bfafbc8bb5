import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { splitFolder } from '../../../src/node.js';
import { lockFile } from '../../../src/platform/node/lock-file.js';
import { makeFolder, makeFolderSync } from '../../../src/platform/node/make-folder.js';
import { writeFileWhole } from '../../../src/platform/node/write-file.js';

const root = mkdtempSync(join(tmpdir(), 'fer-dcnn-folders-'));
afterAll(() => rmSync(root, { recursive: true }));

describe.each([
  ['makeFolder', makeFolder],
  ['makeFolderSync', async (path: string) => makeFolderSync(path)],
])('%s', (name, make) => {
  const base = join(root, name);

  test('makes missing folders, and keeps existing ones', async () => {
    await make(join(base, 'a/b/c'));
    writeFileSync(join(base, 'a/b/file'), '');
    await make(join(base, 'a/b/c'));
    await make(join(base, 'a/b'));
    await make(root);
    await make('.');
    expect(readdirSync(join(base, 'a/b')).sort()).toEqual(['c', 'file']);
  });

  test('the same folders asked for many times at once are made', async () => {
    const paths = Array.from({ length: 30 }, (_, i) => join(base, 'many/deep/er', String(i % 3)));
    await Promise.all(paths.map(make));
    expect(readdirSync(join(base, 'many/deep/er'))).toEqual(['0', '1', '2']);
  });

  test('a file in the way is an error', async () => {
    await make(join(base, 'x'));
    writeFileSync(join(base, 'x/file'), '');
    await expect(make(join(base, 'x/file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(make(join(base, 'x/file/below/it'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(statSync(join(base, 'x/file')).isFile()).toBe(true);
  });

  test.skipIf(!existsSync('/proc/self'))('ends when no folder can be made', async () => {
    await expect(make('/proc/nowhere/deeper/still')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test.skipIf(!existsSync('/proc/self'))('functions that write there report the error at once', async () => {
  await expect(writeFileWhole('/proc/nowhere/run/file', 'x')).rejects.toMatchObject({
    ...{ name: 'FerError', code: 'NOT_WRITTEN' },
    message: expect.stringMatching(/^\/proc\/nowhere\/run\/file cannot be written: ENOENT/),
  });
  await expect(lockFile('/proc/nowhere/run/training.lock')).rejects.toMatchObject({ code: 'ENOENT' });
  const faces = join(root, 'faces');
  for (const label of ['happy', 'sad']) {
    makeFolderSync(join(faces, label));
    for (const file of ['1.png', '2.png']) writeFileSync(join(faces, label, file), '');
  }
  expect(() =>
    splitFolder(faces, { classes: ['happy', 'sad'], ratio: [0.5, 0.5], output: '/proc/nowhere/parts' }),
  ).toThrow(expect.objectContaining({ code: 'NOT_WRITTEN', message: expect.stringContaining('ENOENT') }));
});
