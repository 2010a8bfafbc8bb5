import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { savedSettings } from '../../../src/cli/run-folder.js';
import { readExclusions } from '../../../src/folders/exclusions.js';
import { loadModel } from '../../../src/folders/load-model.js';
import { readVotes } from '../../../src/folders/votes.js';
import { checkpointFolder } from '../../../src/platform/node/checkpoint-folder.js';
import { lockFile } from '../../../src/platform/node/lock-file.js';
import { readRegularFile, readRegularFileSync } from '../../../src/platform/node/read-regular-file.js';

const root = mkdtempSync(join(tmpdir(), 'fer-dcnn-endless-'));
afterAll(() => rmSync(root, { recursive: true }));

test('a regular file is read to its end', async () => {
  const path = join(root, 'file');
  writeFileSync(path, 'to its end');
  expect(String(await readRegularFile(path))).toBe('to its end');
  expect(String(readRegularFileSync(path))).toBe('to its end');
});

/** All that reads a file of some name in a folder of the user's, beside images. */
const readers: [string, string, (folder: string) => unknown, string][] = [
  ['votes', 'votes.csv', (folder) => readVotes(join(folder, 'votes.csv'), ['happy']), 'NOT_FOUND'],
  ['a list of exclusions', 'exclude.txt', (folder) => readExclusions(join(folder, 'exclude.txt')), 'NOT_FOUND'],
  ['a checkpoint', 'checkpoint.bin', (folder) => checkpointFolder(folder).load(), 'CHECKPOINT'],
  ['settings of a run', 'settings.json', savedSettings, 'CHECKPOINT'],
  ['a model', 'model.json', (folder) => loadModel(folder), 'NOT_FOUND'],
];

describe.skipIf(!existsSync('/dev/zero')).each(readers)('of %s that has no end', (_, name, read, code) => {
  test.each([
    ['a device', (path: string) => symlinkSync('/dev/zero', path)],
    ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
  ])('%s, nothing is read', async (kind, make) => {
    const folder = join(root, `${name} ${kind}`);
    mkdirSync(folder);
    make(join(folder, name));
    await expect((async () => read(folder))()).rejects.toMatchObject({ name: 'FerError', code });
  });
});

test.skipIf(!existsSync('/dev/zero'))('a lock that is a device has no owner', async () => {
  const lock = join(root, 'training.lock');
  symlinkSync('/dev/zero', lock);
  const told = await lockFile(lock).then(
    (unlock) => unlock().then(() => 'taken over'),
    (error) => error.message,
  );
  // By when the device was last written to.
  expect(told).toMatch(/^taken over$|^another process trains into this folder/);
});
