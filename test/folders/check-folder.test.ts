import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { checkFolder } from '../../src/folders/check-folder.js';
import { noise } from '../golden-network.js';

const top = mkdtempSync(join(tmpdir(), 'fer-dcnn-check-'));
let dir: string;
let count = 0;
beforeEach(() => {
  dir = join(top, `case${count++}`);
});
afterAll(() => rmSync(top, { recursive: true }));

/** A smooth picture of 48x48, another one a seed: no two of them are alike. */
function face(seed: number) {
  const coarse = Buffer.from(noise(36, seed).map((value) => 255 * value));
  return sharp(coarse, { raw: { width: 6, height: 6, channels: 1 } }).resize(48, 48, { kernel: 'cubic' });
}

/** Where an image goes; its folder is made. */
function place(name: string): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

const names = (files: string[]) => files.map((file) => relative(dir, file).replaceAll('\\', '/'));

describe('checkFolder', () => {
  test('finds no problem in a folder without problems', async () => {
    for (let seed = 1; seed <= 12; seed++)
      await face(seed)
        .png()
        .toFile(place(`${seed % 2 ? 'happy' : 'sad'}/${seed}.png`));
    const check = await checkFolder(dir);
    expect(check).toMatchObject({ files: 12, unreadable: [], duplicates: [], strayFolders: [], exclusions: [] });
    expect(check.classes).toEqual({ angry: 0, happy: 6, sad: 6, neutral: 0, surprised: 0 });
    expect(check.splits).toEqual({ '': { happy: 6, sad: 6 } });
    expect(check.sizes).toEqual({ '48x48': 12 });
  });

  test('lists files that are not images of a class, and exclusions that match no file', async () => {
    for (const part of ['train', 'val'])
      await face(1)
        .png()
        .toFile(place(`${part}/happy/${part}.png`));
    writeFileSync(place('train/happy/old.bmp'), 'BM and pixels');
    await face(2).png().toFile(place('extra/happy/a.png'));
    writeFileSync(place('exclude.txt'), 'val/happy/val.png\nval/happy/gone.png\n');
    await face(3).png().toFile(place('val/happy/kept.png'));
    const check = await checkFolder(dir, { exclude: join(dir, 'exclude.txt') });
    expect(check.leftOut.map(({ path, kind, reason }) => [names([path])[0], kind, reason])).toEqual([
      ['extra', 'place', 'a folder beside train, val'],
      ['train/happy/old.bmp', 'format', 'a BMP image'],
      ['val/happy/val.png', 'excluded', 'excluded'],
    ]);
    expect(check.unmatched.map(({ path }) => names([path])[0])).toEqual(['val/happy/gone.png']);
  });

  test('counts classes named like properties of every object', async () => {
    for (const [seed, part] of ['train', 'val'].entries())
      await face(seed)
        .png()
        .toFile(place(`${part}/${part === 'train' ? 'constructor' : '__proto__'}/a.png`));
    const { splits, classes } = await checkFolder(dir, { classes: ['constructor', '__proto__', 'toString'] });
    expect(Object.entries(classes)).toEqual([
      ['constructor', 1],
      ['__proto__', 1],
      ['toString', 0],
    ]);
    expect(Object.entries(splits.train)).toEqual([['constructor', 1]]);
    expect(splits.val.constructor).toBeUndefined();
  });

  test('finds exact duplicates by pixels, for any file format: within and across splits and classes', async () => {
    await face(1).png().toFile(place('train/happy/a.png'));
    await face(1).webp({ lossless: true }).toFile(place('train/happy/b.webp'));
    await face(1).toColourspace('srgb').png({ compressionLevel: 0 }).toFile(place('val/happy/c.png'));
    await face(2).png().toFile(place('train/happy/d.png'));
    await face(2).png().toFile(place('train/sad/e.png'));
    await face(3).png().toFile(place('test/sad/f.png'));
    const { duplicates, exclusions } = await checkFolder(dir);
    expect(duplicates.map((group) => ({ ...group, files: names(group.files) }))).toEqual([
      {
        files: ['train/happy/a.png', 'train/happy/b.webp', 'val/happy/c.png'],
        exact: true,
        acrossSplits: true,
        acrossClasses: false,
      },
      { files: ['train/happy/d.png', 'train/sad/e.png'], exact: true, acrossSplits: false, acrossClasses: true },
    ]);
    // What is validated on stays; of one picture under two labels neither does.
    expect(names(exclusions.map(({ path }) => path))).toEqual([
      'train/happy/a.png',
      'train/happy/b.webp',
      'train/happy/d.png',
      'train/sad/e.png',
    ]);
    expect(exclusions[2].reason).toBe('one picture, labelled happy and sad');
  });

  test('finds near duplicates: saved again, resized, brightened, cropped by a pixel, mirrored', async () => {
    await face(1).png().toFile(place('happy/0.png'));
    await face(1).jpeg({ quality: 40 }).toFile(place('happy/1-jpeg.jpg'));
    await sharp(await face(1).png().toBuffer())
      .resize(90, 90)
      .png()
      .toFile(place('happy/2-large.png'));
    await face(1).linear(0.8, 30).png().toFile(place('happy/3-bright.png'));
    await sharp(await face(1).png().toBuffer())
      .extract({ left: 1, top: 0, width: 47, height: 48 })
      .png()
      .toFile(place('happy/4-crop.png'));
    await face(1).flop().png().toFile(place('happy/5-mirror.png'));
    for (let seed = 2; seed < 20; seed++)
      await face(seed)
        .png()
        .toFile(place(`sad/${seed}.png`));
    const { duplicates } = await checkFolder(dir);
    expect(duplicates).toHaveLength(1);
    expect(duplicates[0]).toMatchObject({ exact: false, acrossSplits: false, acrossClasses: false });
    expect(duplicates[0].files).toHaveLength(6);
    expect((await checkFolder(dir, { near: false })).duplicates).toEqual([]);
  });

  test('constant pictures are not near duplicates of each other', async () => {
    for (const [i, background] of ['#000000', '#404040', '#808080'].entries()) {
      await sharp({ create: { width: 48, height: 48, channels: 3, background } })
        .png()
        .toFile(place(`happy/${i}.png`));
    }
    expect((await checkFolder(dir)).duplicates).toEqual([]);
  });

  test('lists unreadable images with the reason, and folders that are not classes', async () => {
    await face(1).png().toFile(place('happy/a.png'));
    await face(2).png().toFile(place('unsorted/b.png'));
    writeFileSync(place('happy/broken.png'), 'no image');
    const seen: [number, number][] = [];
    const check = await checkFolder(dir, { onImage: (done, of) => seen.push([done, of]) });
    expect(check.files).toBe(3);
    expect(check.unreadable).toEqual([
      { file: join(dir, 'happy/broken.png'), reason: expect.stringContaining('broken.png') },
    ]);
    expect(check.strayFolders).toEqual([{ folder: join(dir, 'unsorted'), files: 1 }]);
    expect(check.classes).toMatchObject({ happy: 2, unsorted: 1 });
    expect(check.exclusions).toEqual([{ path: join(dir, 'happy/broken.png'), reason: 'cannot be read' }]);
    expect(seen).toEqual([1, 2, 3].map((done) => [done, 3]));
  });

  test('stops when it is aborted, and refuses anything but a folder of faces', async () => {
    await face(1).png().toFile(place('happy/a.png'));
    await expect(checkFolder(dir, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(checkFolder(join(dir, 'gone'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(checkFolder(join(dir, 'happy'))).rejects.toMatchObject({ code: 'DATA' });
  });
});
