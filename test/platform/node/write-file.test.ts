import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkpointFolder } from '../../../src/platform/node/checkpoint-folder.js';
import { lockFile } from '../../../src/platform/node/lock-file.js';
import { removeLeftNeighbours, writeFileWhole } from '../../../src/platform/node/write-file.js';
import { OWN_MOUNTS, runInOwnMounts } from '../../package/own-mounts.js';

const root = mkdtempSync(join(tmpdir(), 'fer-dcnn-write-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** As a process that was killed in the midst of writing leaves them. */
const LEFT = ['checkpoint.bin.4194304.0123456789abcdef.fer-dcnn.tmp', 'checkpoint.bin.17.12.fer-dcnn.tmp'];
const OTHERS = [
  'checkpoint.bin',
  'checkpoint.bin.tmp',
  'checkpoint.bin.1.tmp',
  'weights.bin.17.0.fer-dcnn.tmp',
  'notes.txt',
];

describe('writeFileWhole', () => {
  test('makes the folder, replaces an older file, and leaves nothing beside it', async () => {
    const path = join(root, 'made/deeper/file.json');
    await writeFileWhole(path, 'first, and longer');
    await writeFileWhole(path, Uint8Array.of(1, 2));
    expect(readFileSync(path)).toEqual(Buffer.from([1, 2]));
    expect(readdirSync(join(root, 'made/deeper'))).toEqual(['file.json']);
  });

  test('does not write through a link at its temporary path', async () => {
    const folder = join(root, 'planted');
    mkdirSync(folder);
    const victim = join(root, 'victim');
    writeFileSync(victim, 'keep');
    const path = join(folder, 'file');
    // As it was named once: by process and count.
    for (let count = 0; count < 100; count++) symlinkSync(victim, `${path}.${process.pid}.${count}.fer-dcnn.tmp`);
    for (let i = 0; i < 10; i++) await writeFileWhole(path, `text ${i}`);
    expect(readFileSync(victim, 'utf8')).toBe('keep');
    expect(readFileSync(path, 'utf8')).toBe('text 9');
    expect(lstatSync(path).isSymbolicLink()).toBe(false);
  });

  test('many at once leave one whole file', async () => {
    const path = join(root, 'many/file');
    await Promise.all(Array.from({ length: 20 }, (_, i) => writeFileWhole(path, new Uint8Array(100_000).fill(i))));
    const bytes = readFileSync(path);
    expect(bytes).toHaveLength(100_000);
    expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    expect(readdirSync(join(root, 'many'))).toEqual(['file']);
  });

  test('an obstacle gives NOT_WRITTEN with the path and the reason, and leaves no file', async () => {
    mkdirSync(join(root, 'folder/in-the-way'), { recursive: true });
    await expect(writeFileWhole(join(root, 'folder'), 'x')).rejects.toMatchObject({
      name: 'FerError',
      code: 'NOT_WRITTEN',
      message: expect.stringMatching(/^.*folder cannot be written: E\w+: /),
      cause: expect.objectContaining({ code: expect.stringMatching(/^E/) }),
    });
    writeFileSync(join(root, 'a-file'), 'stays');
    await expect(writeFileWhole(join(root, 'a-file/below'), 'x')).rejects.toMatchObject({ code: 'NOT_WRITTEN' });
    expect(readFileSync(join(root, 'a-file'), 'utf8')).toBe('stays');
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.skipIf(!OWN_MOUNTS).each([
    ['full', 'size=8k', 'ENOSPC'],
    ['read-only', 'ro', 'EROFS'],
  ])('a disk that is %s leaves the old file, and nothing beside it', async (name, option, reason) => {
    const program = `
      import { writeFileWhole } from './src/platform/node/write-file.ts';
      await writeFileWhole(process.argv[1], new Uint8Array(50_000)).catch((error) => console.log(error.code, error.message));`;
    mkdirSync(join(root, name));
    const { code, stdout, stderr } = await runInOwnMounts(
      `mount -t tmpfs -o size=8k tmpfs "$DISK"; echo old > "$DISK/file"; mount -o remount,${option} "$DISK"
      "$NODE" --import tsx --input-type=module --eval "$PROGRAM" "$DISK/file"; cat "$DISK/file"; ls "$DISK"`,
      resolve('.'),
      { DISK: join(root, name), PROGRAM: program },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const file = join(root, name, 'file');
    expect(stdout).toMatch(new RegExp(`^NOT_WRITTEN ${file} cannot be written: ${reason}: .*\nold\nfile\n$`));
  });
});

describe('what a killed process was writing', () => {
  test('is removed for the named files alone, and a folder that is not there has none', async () => {
    const folder = join(root, 'left');
    mkdirSync(folder);
    for (const name of [...LEFT, ...OTHERS]) writeFileSync(join(folder, name), '');
    await removeLeftNeighbours(folder, ['checkpoint.bin', 'settings.json']);
    expect(readdirSync(folder).sort()).toEqual([...OTHERS].sort());
    await expect(removeLeftNeighbours(join(root, 'nowhere'), ['checkpoint.bin'])).resolves.toBeUndefined();
  });

  test('is gone once the next training has the lock', async () => {
    const folder = join(root, 'locked');
    mkdirSync(folder);
    for (const name of [...LEFT, 'weights.bin']) writeFileSync(join(folder, name), '');
    const unlock = await checkpointFolder(folder).lock!();
    expect(readdirSync(folder).sort()).toEqual(['training.lock', 'weights.bin']);
    await unlock();
    expect(readdirSync(folder)).toEqual(['weights.bin']);
  });

  test('beside a lock is gone after a minute; of one that asks for it now, it stays', async () => {
    const folder = join(root, 'asking');
    mkdirSync(folder);
    const [old, fresh] = ['training.lock.old.tmp', 'training.lock.new.tmp'].map((name) => join(folder, name));
    for (const path of [old, fresh]) writeFileSync(path, '');
    const before = new Date(Date.now() - 61_000);
    utimesSync(old, before, before);
    const unlock = await lockFile(join(folder, 'training.lock'));
    expect(readdirSync(folder).sort()).toEqual(['training.lock', 'training.lock.new.tmp']);
    await unlock();
  });
});
