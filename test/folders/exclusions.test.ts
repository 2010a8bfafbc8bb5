import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readExclusions, writeExclusions } from '../../src/folders/exclusions.js';
import { imageFolder } from '../../src/folders/image-folder.js';

const dir = mkdtempSync(join(tmpdir(), 'fer-dcnn-exclude-'));
afterAll(() => rmSync(dir, { recursive: true }));
const list = join(dir, 'exclude.txt');

describe('a list of files to leave out', () => {
  test('reads back what was written, for any names', async () => {
    const names = ['happy/a b.png', '#c.png', ' d.png', '"e".png', 'sad/new\nline.png', '../other/ü.png'];
    await writeExclusions(
      list,
      names.map((name) => ({ path: join(dir, name), reason: 'two\nlines' })),
    );
    expect([...readExclusions(list)]).toEqual(names.map((name) => resolve(dir, name)));
  });

  test('can be written by hand, with comments and empty lines', () => {
    writeFileSync(list, '# remark\r\n\r\nhappy/a.png\r\n"sad/b.png"\r\n');
    expect([...readExclusions(list)]).toEqual([resolve(dir, 'happy/a.png'), resolve(dir, 'sad/b.png')]);
  });

  test('is taken by imageFolder, relative to the list', () => {
    for (const name of ['a.png', 'b.png']) {
      mkdirSync(join(dir, 'faces/happy'), { recursive: true });
      writeFileSync(join(dir, 'faces/happy', name), '');
    }
    writeFileSync(list, 'faces/happy/a.png\n');
    const folder = imageFolder(join(dir, 'faces'), { exclude: list });
    expect(folder.files.map(({ path }) => path)).toEqual([join(dir, 'faces/happy/b.png')]);
    writeFileSync(list, 'faces/happy/a.png\nfaces/happy/b.png\n');
    expect(() => imageFolder(join(dir, 'faces'), { exclude: list })).toThrow(/not excluded/);
  });

  test('that is missing or has a broken quote is refused', () => {
    expect(() => readExclusions(join(dir, 'gone.txt'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    writeFileSync(list, '\n"half\n');
    expect(() => readExclusions(list)).toThrow(/exclude\.txt, line 2/);
  });
});
