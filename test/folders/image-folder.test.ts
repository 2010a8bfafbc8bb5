import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { EMOTIONS } from '../../src/emotions.js';
import { type ImageFolderOptions, imageFolder } from '../../src/folders/image-folder.js';
import type { ImageFolder } from '../../src/folders/labelled-files.js';
import type { Sample } from '../../src/image/sample.js';
import { rows } from '../night.js';

const top = mkdtempSync(join(tmpdir(), 'fer-dcnn-folder-'));
let dir: string;
let count = 0;
beforeEach(() => {
  dir = join(top, `case${count++}`, 'faces');
  mkdirSync(dir, { recursive: true });
});
afterAll(() => rmSync(top, { recursive: true }));

describe('imageFolder', () => {
  test('gives every image with its class, sorted, in any order of the disk', async () => {
    await fill({ sad: ['b.png', 'a.png'], happy: ['z.png', 'sub/c.png', 'B.png'], angry: ['x.PNG'] });
    const folder = imageFolder(dir);
    expect(folder.classes).toEqual(EMOTIONS);
    expect(folder.length).toBe(6);
    expect(folder.files.map(({ path, label }) => [relative(dir, path), label])).toEqual([
      ['angry/x.PNG', 0],
      ['happy/B.png', 1],
      ['happy/sub/c.png', 1],
      ['happy/z.png', 1],
      ['sad/a.png', 2],
      ['sad/b.png', 2],
    ]);
    const samples = await all(folder);
    expect(samples.map(({ file }) => file)).toEqual(folder.files.map(({ path }) => path));
    expect(samples.map(({ label }) => label)).toEqual([0, 1, 1, 1, 2, 2]);
    expect(samples[0].image).toMatchObject({ width: 4, height: 4 });
  });

  test('can be iterated again, also at the same time', async () => {
    await fill({ happy: names(20) });
    const folder = imageFolder(dir);
    const [first, second] = await Promise.all([all(folder), all(folder)]);
    expect(first).toEqual(second);
    expect(await all(folder)).toEqual(first);
  });

  test('order is kept when early images take longer than late ones', async () => {
    await fill({ happy: names(12) });
    const large = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    writeFileSync(join(dir, 'happy', '00.png'), large);
    expect((await all(imageFolder(dir))).map(({ file }) => file.slice(-6, -4))).toEqual(
      names(12).map((n) => n.slice(0, 2)),
    );
  });

  test('an iteration can be left early, before a broken image', async () => {
    await fill({ happy: names(12) });
    writeFileSync(join(dir, 'happy', '05.png'), 'broken');
    for await (const { file } of imageFolder(dir)) {
      expect(file).toContain('00.png');
      break;
    }
  });

  test('folders with other names are classes: emotions first, then by alphabet; empty and system folders are not', async () => {
    await fill({
      bored: ['a.png'],
      Attentive: ['a.png'],
      sad: ['a.png'],
      angry: ['a.png'],
      fear: [],
      __MACOSX: ['._a.png', 'b.png'],
    });
    expect(imageFolder(dir).classes).toEqual(['angry', 'sad', 'Attentive', 'bored']);
    expect(imageFolder(dir).length).toBe(4);
  });

  test('common names of emotions are accepted in any case, and reported in a line; aliases: false keeps names unchanged', async () => {
    await fill({ Surprise: ['a.png'], joy: ['b.png'], HA: ['c.png'], TRISTEZA: ['d.png'] });
    const lines: string[] = [];
    const folder = imageFolder(dir, { onNote: (line) => lines.push(line) });
    expect(folder.classes).toEqual(EMOTIONS);
    expect(folder.files.map(({ path, label }) => [relative(dir, path), EMOTIONS[label]])).toEqual([
      ['HA/c.png', 'happy'],
      ['joy/b.png', 'happy'],
      ['TRISTEZA/d.png', 'sad'],
      ['Surprise/a.png', 'surprised'],
    ]);
    expect(lines).toEqual(['classes: HA → happy, Surprise → surprised, TRISTEZA → sad, joy → happy']);
    expect(imageFolder(dir, { aliases: false, onNote: (line) => lines.push(line) }).classes).toEqual([
      ...['HA', 'joy', 'Surprise', 'TRISTEZA'],
    ]);
    expect(lines).toHaveLength(1);
    // Whoever spells the names himself keeps his spelling.
    expect(imageFolder(dir, { classes: ['Joy', 'Surprise'] }).classes).toEqual(['Joy', 'Surprise']);
    expect(imageFolder(dir, { classes: ['Joy', 'Surprise'] }).length).toBe(3);
  });

  test('keep leaves other classes out and reports how many; map joins classes', async () => {
    await fill({ happy: ['a.png'], fear: ['b.png', 'c.png'], surprise: ['d.png'], contempt: ['e.png'] });
    const lines: string[] = [];
    const options = { onNote: (line: string) => lines.push(line) };
    const kept = imageFolder(dir, { ...options, keep: ['surprised', 'happy'] });
    expect(kept.classes).toEqual(['happy', 'surprised']);
    expect(kept.length).toBe(2);
    expect(lines).toContain('left out: 1 of contempt, 2 of fear');
    const joined = imageFolder(dir, { ...options, map: { fear: 'surprised', contempt: 'bored' } });
    expect(joined.classes).toEqual(['happy', 'surprised', 'bored']);
    expect(joined.files.map(({ path, label }) => [relative(dir, path), joined.classes[label]])).toEqual([
      ['happy/a.png', 'happy'],
      ['fear/b.png', 'surprised'],
      ['fear/c.png', 'surprised'],
      ['surprise/d.png', 'surprised'],
      ['contempt/e.png', 'bored'],
    ]);
    for (const wrong of [{ keep: ['angry'] }, { map: { angry: 'sad' } }, { keep: [] }]) {
      expect(() => imageFolder(dir, wrong)).toThrow(expect.objectContaining({ code: 'CLASSES' }));
    }
  });

  test('folders without an image are not classes, and left out', async () => {
    await fill({ joy: ['a.png'], Anger: ['a.png'], fear: ['b.png'], empty: [], __MACOSX: ['._a.png', 'b.png'] });
    const folder = imageFolder(dir);
    expect(folder.classes).toEqual(['angry', 'happy', 'fear']);
    expect(imageFolder(dir, { aliases: false }).classes).toEqual(['Anger', 'fear', 'joy']);
    expect(reasons(folder)).toEqual({ empty: ['empty'], system: ['__MACOSX'] });
    // An empty folder may be a class that is asked for.
    expect(imageFolder(dir, { classes: ['joy', 'empty'] }).classes).toEqual(['joy', 'empty']);
  });

  test('images with an unknown ending are recognised by content', async () => {
    await fill({ happy: ['a.jfif', 'b', 'c.jpe', 'd.data'], sad: ['a.png'] });
    writeFileSync(join(dir, 'happy', 'old.bmp'), 'BM and pixels');
    writeFileSync(join(dir, 'happy', 'phone.heic'), '\0\0\0\x18ftypheic\0\0\0\0mif1heic');
    writeFileSync(join(dir, 'happy', 'README'), 'text');
    writeFileSync(join(dir, 'happy', '.hidden.png'), await pixel());
    writeFileSync(join(dir, 'lost.png'), await pixel());
    const folder = imageFolder(dir);
    expect(folder.files.map(({ path }) => relative(dir, path))).toEqual([
      ...['happy/a.jfif', 'happy/b', 'happy/c.jpe', 'happy/d.data', 'sad/a.png'],
    ]);
    expect(await all(folder)).toHaveLength(5);
    expect(reasons(folder)).toEqual({
      format: ['happy/old.bmp', 'happy/phone.heic'],
      'no-image': ['happy/README'],
      hidden: ['happy/.hidden.png'],
      place: ['lost.png'],
    });
    expect(folder.leftOut.find(({ path }) => path.endsWith('.bmp'))?.reason).toBe('a BMP image');
    expect(folder.subset([0]).leftOut).toBe(folder.leftOut);
  });

  test('classes may be chosen and ordered; other folders are left out', async () => {
    await fill({ happy: ['a.png'], sad: ['b.png'], fear: ['c.png'] });
    const folder = imageFolder(dir, { classes: ['sad', 'happy'] });
    expect(folder.files.map(({ path, label }) => [relative(dir, path), label])).toEqual([
      ['sad/b.png', 0],
      ['happy/a.png', 1],
    ]);
  });

  test('hidden files, other endings and excluded files are left out', async () => {
    await fill({ happy: ['a.png', 'b.png', 'c.png', '.hidden.png'], '.cache': ['x.png'] });
    writeFileSync(join(dir, 'happy', 'notes.txt'), 'x');
    writeFileSync(join(dir, 'README.md'), 'x');
    const folder = imageFolder(dir, { exclude: ['happy/a.png', resolve(dir, 'happy/b.png'), 'happy/gone.png'] });
    expect(folder.files.map(({ path }) => relative(dir, path))).toEqual(['happy/c.png']);
    expect(imageFolder(dir, { extensions: ['.TXT'] }).files[0].path).toContain('notes.txt');
  });

  test('links are followed inside the folder only', async () => {
    await fill({ happy: ['a.png'], sad: ['b.png'] });
    const outside = join(dir, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.png'), await pixel());
    symlinkSync(join(outside, 'secret.png'), join(dir, 'happy', 'secret.png'));
    symlinkSync(outside, join(dir, 'happy', 'outside'));
    symlinkSync(join(dir, 'sad', 'b.png'), join(dir, 'happy', 'linked.png'));
    symlinkSync(dir, join(dir, 'happy', 'loop'));
    symlinkSync(join(dir, 'happy'), join(dir, 'happy', 'loop2'));
    symlinkSync(join(dir, 'nowhere'), join(dir, 'happy', 'dangling.png'));
    // A file is listed once, where it lies; a link to what is read nowhere else is followed.
    mkdirSync(join(dir, '.store', 'more'), { recursive: true });
    for (const name of ['c.png', 'more/d.png']) writeFileSync(join(dir, '.store', name), await pixel());
    symlinkSync(join(dir, '.store', 'c.png'), join(dir, 'sad', 'c.png'));
    symlinkSync(join(dir, '.store', 'more'), join(dir, 'sad', 'more'));
    const folder = imageFolder(dir);
    expect(folder.files.map(({ path }) => relative(dir, path))).toEqual([
      ...['happy/a.png', 'sad/b.png', 'sad/c.png', 'sad/more/d.png'],
    ]);
    expect(reasons(folder)).toEqual({
      link: ['dangling.png', 'linked.png', 'loop', 'loop2', 'outside', 'secret.png'].map((name) => `happy/${name}`),
    });
  });

  test('folders that all link to each other are read once', async () => {
    const classes = Array.from({ length: 8 }, (_, k) => `class${k}`);
    await fill(Object.fromEntries(classes.map((name) => [name, ['a.png']])));
    for (const from of classes) for (const to of classes) symlinkSync(join(dir, to), join(dir, from, `to-${to}`));
    const folder = imageFolder(dir);
    expect(folder.files.map(({ path }) => relative(dir, path))).toEqual(classes.map((name) => `${name}/a.png`));
    expect(folder.leftOut).toHaveLength(64);
  });

  test('an unreadable image ends the iteration with its path', async () => {
    await fill({ happy: ['a.png', 'c.png'] });
    const broken = join(dir, 'happy', 'b.png');
    writeFileSync(broken, '');
    const seen: string[] = [];
    const read = async () => {
      for await (const { file } of imageFolder(dir)) seen.push(file);
    };
    await expect(read()).rejects.toMatchObject({ code: 'DECODE', message: expect.stringContaining(broken) });
    expect(seen).toEqual([join(dir, 'happy', 'a.png')]);
  });

  test('an unreadable image is skipped and reported if the caller wants it', async () => {
    await fill({ happy: ['a.png', 'c.png'] });
    writeFileSync(join(dir, 'happy', 'b.png'), 'text');
    const told: [string, string][] = [];
    const folder = imageFolder(dir, { unreadable: 'skip', onUnreadable: (file, { code }) => told.push([file, code]) });
    expect((await all(folder)).map(({ file }) => relative(dir, file))).toEqual(['happy/a.png', 'happy/c.png']);
    expect(told).toEqual([[join(dir, 'happy', 'b.png'), 'DECODE']]);
    expect(folder.length).toBe(3);
  });

  test('subset gives the files asked for, in that order', async () => {
    await fill({ happy: names(5) });
    const folder = imageFolder(dir);
    const some = folder.subset([4, 0, 0]);
    expect(some.length).toBe(3);
    expect((await all(some)).map(({ file }) => file.slice(-6))).toEqual(['04.png', '00.png', '00.png']);
    expect(() => folder.subset([5])).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });

  test('votes give probabilities; no votes for the classes, or no row, falls back to the folder', async () => {
    await fill({ happy: ['a.png', 'b,"x".png', 'c.png'], sad: ['d.png'] });
    const votes = join(dir, '..', 'votes.csv');
    writeFileSync(
      votes,
      '\ufefffile,sad,unknown,happy\r\nfaces/happy/a.png,1,5,3\r\n"faces/happy/b,""x"".png",0,0,4\nfaces/happy/c.png,0,10,0\nelse.png,1,0,0',
    );
    const folder = imageFolder(dir, { classes: ['happy', 'sad'], votes });
    expect((await all(folder)).map(({ label }) => [...(label as Float32Array)])).toEqual([
      [0.75, 0.25],
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    expect(folder.files.map(({ label }) => label)).toEqual([0, 0, 0, 1]);
  });

  test.each([
    ['no column for a class', 'file,happy\nfaces/happy/a.png,1', 'no column sad'],
    ['a short row', 'file,happy,sad\nfaces/happy/a.png,1', 'row 2'],
    ['no number', 'file,happy,sad\nfaces/happy/a.png,1,x', '1,x'],
    ['an empty field', 'file,happy,sad\nfaces/happy/a.png,1,', 'row 2'],
    ['a negative vote', 'file,happy,sad\nfaces/happy/a.png,1,-1', '1,-1'],
    ['a stray quote', 'file,happy,sad\nfaces/ha"ppy/a.png,1,1', 'quote'],
    ['other images', 'file,happy,sad\nfaces/happy/q.png,1,1', 'no row for any image'],
    ['nothing', '', 'no column file'],
  ])('a votes file with %s is refused', async (_, text, words) => {
    await fill({ happy: ['a.png'], sad: ['b.png'] });
    const votes = join(dir, '..', 'votes.csv');
    writeFileSync(votes, text);
    expect(() => imageFolder(dir, { classes: ['happy', 'sad'], votes })).toThrow(
      expect.objectContaining({ code: 'DATA', message: expect.stringContaining(words) }),
    );
  });

  test.each<[string, ImageFolderOptions, string]>([
    ['an unknown way with unreadable files', { unreadable: 'ignore' as 'skip' }, 'OPTION'],
    ['a class without a folder', { classes: ['happy', 'hapy'] }, 'CLASSES'],
    ['a class twice', { classes: ['happy', 'happy'] }, 'CLASSES'],
    ['no classes', { classes: [] }, 'CLASSES'],
    ['no images left', { exclude: ['happy/a.png'] }, 'DATA'],
    ['a missing votes file', { votes: '/no/such/votes.csv' }, 'NOT_FOUND'],
  ])('%s is refused', async (_, options, code) => {
    await fill({ happy: ['a.png'] });
    expect(() => imageFolder(dir, options)).toThrow(expect.objectContaining({ name: 'FerError', code }));
  });

  test('anything but a folder of class folders is refused', () => {
    expect(() => imageFolder(join(dir, 'gone'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    writeFileSync(join(dir, 'file.png'), 'x');
    expect(() => imageFolder(join(dir, 'file.png'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(() => imageFolder(dir)).toThrow(expect.objectContaining({ code: 'DATA' }));
  });

  test('the samples are what train and evaluate take', async () => {
    await fill({ happy: ['a.png'] });
    const data: AsyncIterable<Sample> = imageFolder(dir);
    for await (const sample of data) expect(sample.label).toBe(1);
  });
});

const faces = resolve(process.env.FER_SHARED ?? '../shared', 'ferplus');
const there = existsSync(faces);
if (!there) console.warn(`\n!!! ${faces} is missing: the folder reader is NOT tried on the real data set !!!\n`);

describe.skipIf(!there)('imageFolder on FER+', () => {
  const parts: [string, number[]][] = [
    ['valid', [319, 899, 412, 1335, 456]],
    ['train', [2376, 7451, 3437, 10200, 3288]],
  ];
  test.each(rows(parts, 1))('%s has the images that its README counts, with votes', async (part, counts) => {
    const folder = imageFolder(join(faces, part), { votes: join(faces, 'votes.csv') });
    expect(EMOTIONS.map((_, label) => folder.files.filter((file) => file.label === label).length)).toEqual(counts);
    for (const { probabilities } of folder.files) {
      expect(probabilities?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
    for await (const { image } of folder.subset([0, folder.length - 1])) {
      expect(image).toMatchObject({ width: 48, height: 48 });
    }
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** What is left out, by kind. */
function reasons({ leftOut }: ImageFolder): Record<string, string[]> {
  const kinds: Record<string, string[]> = {};
  for (const { kind, path } of leftOut) kinds[kind] = [...(kinds[kind] ?? []), relative(dir, path)];
  for (const paths of Object.values(kinds)) paths.sort();
  return kinds;
}

function names(n: number): string[] {
  return Array.from({ length: n }, (_, k) => `${String(k).padStart(2, '0')}.png`);
}

async function pixel(): Promise<Buffer> {
  return sharp({ create: { width: 4, height: 4, channels: 3, background: 'gray' } })
    .png()
    .toBuffer();
}

async function fill(folders: Record<string, string[]>) {
  const png = await pixel();
  for (const [name, files] of Object.entries(folders)) {
    mkdirSync(join(dir, name, 'sub'), { recursive: true });
    for (const file of files) writeFileSync(join(dir, name, file), png);
  }
  expect(readdirSync(dir).length).toBe(Object.keys(folders).length);
}
