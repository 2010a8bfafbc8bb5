import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageFolder } from '../../src/folders/image-folder.js';

/** Names of which one, at least, is written otherwise by another system. */
const NAMES = ['happy/a.png', 'happy/zo\u00eb.png', 'sad/b.png'];
const KEPT = 'sad/kept.png';

const top = mkdtempSync(join(tmpdir(), 'fer-dcnn-lists-'));
const dir = join(top, 'faces');
const list = join(dir, 'list.txt');
const left = (exclude: string) => imageFolder(dir, { exclude }).files.map(({ path }) => relative(dir, path));

beforeAll(() => {
  for (const name of [...NAMES, KEPT]) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), '');
  }
});
afterAll(() => rmSync(top, { recursive: true }));

/** How the same text may be written. */
const ENCODINGS: [string, (text: string) => string | Buffer][] = [
  ['plain UTF-8', (text) => text],
  ['UTF-8 with a byte order mark', (text) => `\ufeff${text}`],
  ['UTF-16, little endian, with a mark', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ['UTF-16, little endian, without', (text) => Buffer.from(text, 'utf16le')],
  ['UTF-16, big endian, with a mark', (text) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ['UTF-16, big endian, without', (text) => Buffer.from(text, 'utf16le').swap16()],
  ['lines that end in CR', (text) => text.replaceAll('\n', '\r')],
  ['lines that end in CRLF', (text) => text.replaceAll('\n', '\r\n')],
  ['backslashes', (text) => text.replaceAll('/', '\\')],
  ['accents of their own (NFD)', (text) => text.normalize('NFD')],
  ['accents of their own, backslashes, a mark', (text) => `\ufeff${text.normalize('NFD').replaceAll('/', '\\')}`],
];

describe.each(ENCODINGS)('a list in %s', (_, written) => {
  test('leaves out what it names', () => {
    writeFileSync(list, written(`${NAMES.join('\n')}\n`));
    expect(left(list)).toEqual([KEPT]);
    expect(imageFolder(dir, { exclude: list }).unmatched).toEqual([]);
  });

  test('gives votes to the images that it names', () => {
    const rows = NAMES.map((name) => `faces/${name},1,3`);
    const votes = join(top, 'votes.csv');
    writeFileSync(votes, written(`file,happy,sad\n${rows.join('\n')}\n`));
    const { files, unmatched } = imageFolder(dir, { votes, classes: ['happy', 'sad'] });
    expect(files.map(({ probabilities }) => [...(probabilities ?? [])])).toEqual([
      ...NAMES.map(() => [0.25, 0.75]),
      [0, 1],
    ]);
    expect(unmatched).toEqual([]);
  });
});

describe('an entry without a file', () => {
  test('is reported, with its list', () => {
    writeFileSync(list, 'happy/a.png\nhappy/gone.png\nfaces/sad/b.png\n');
    expect(imageFolder(dir, { exclude: list }).unmatched).toEqual([
      { list, path: join(dir, 'happy/gone.png') },
      { list, path: join(dir, 'faces/sad/b.png') },
    ]);
    expect(imageFolder(dir, { exclude: ['gone.png', 'happy/a.png'] }).unmatched).toEqual([
      { list: 'exclude', path: join(dir, 'gone.png') },
    ]);
  });

  test('is also reported for votes', () => {
    const votes = join(dir, 'votes.csv');
    writeFileSync(votes, 'file,happy,sad\nhappy/a.png,1,0\nhappy/gone.png,1,0\n');
    expect(imageFolder(dir, { votes, classes: ['happy', 'sad'] }).unmatched).toEqual([
      { list: votes, path: join(dir, 'happy/gone.png') },
    ]);
  });

  test('is not reported when its file is in another folder', () => {
    writeFileSync(join(top, 'other.png'), '');
    writeFileSync(list, '../other.png\nhappy/a.png\n');
    expect(imageFolder(dir, { exclude: list }).unmatched).toEqual([]);
  });
});

test('of two files whose names look alike, only the one with exactly this name is left out', () => {
  const both = join(top, 'both');
  for (const name of ['zo\u00eb.png', 'zoe\u0308.png']) {
    mkdirSync(join(both, 'happy'), { recursive: true });
    writeFileSync(join(both, 'happy', name), '');
  }
  const { files } = imageFolder(both, { exclude: ['happy/zoe\u0308.png'] });
  expect(files.map(({ path }) => relative(both, path))).toEqual(['happy/zo\u00eb.png']);
});

test('a file that is not text is refused', () => {
  writeFileSync(list, Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 1, 0, 0]));
  expect(() => left(list)).toThrow(
    expect.objectContaining({ code: 'DATA', message: expect.stringContaining('is not text') }),
  );
});
