import type { Stats } from 'node:fs';
import { expect, test } from 'vitest';
import { isSameFile } from '../../src/queue/is-same-file.js';

const file = { ino: 1, dev: 2, birthtimeMs: 1000, ctimeMs: 5000 };

test.each([
  ['one that changed since', { ctimeMs: 6000 }, true],
  ['another inode', { ino: 2 }, false],
  ['another disk', { dev: 3 }, false],
  ['a reused inode', { birthtimeMs: 2000 }, false],
  ['a reused inode, just created', { birthtimeMs: 2000, ctimeMs: 2000 }, false],
])('%s', (_, changes, isSame) => {
  const other = { ...file, ...changes };
  expect(isSameFile(file as Stats, other as Stats)).toBe(isSame);
  expect(isSameFile(other as Stats, file as Stats)).toBe(isSame);
});

test('disks without creation times: by inode and disk', () => {
  const changed = { ...file, birthtimeMs: 5000 };
  expect(isSameFile(changed as Stats, { ...changed, birthtimeMs: 6000, ctimeMs: 6000 } as Stats)).toBe(true);
  expect(isSameFile({ ...file, birthtimeMs: 0 } as Stats, { ...file, birthtimeMs: -1 } as Stats)).toBe(true);
});
