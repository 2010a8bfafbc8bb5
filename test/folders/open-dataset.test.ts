import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { EMOTIONS } from '../../src/emotions.js';
import { checkFolder } from '../../src/folders/check-folder.js';
import type { ImageFolder } from '../../src/folders/labelled-files.js';
import { type OpenDatasetOptions, openDataset } from '../../src/folders/open-dataset.js';

const top = mkdtempSync(join(tmpdir(), 'fer-dcnn-dataset-'));
let dir: string;
let count = 0;
beforeEach(() => {
  dir = join(top, `case${count++}`);
  mkdirSync(dir);
});
afterAll(() => rmSync(top, { recursive: true }));

const SEVEN = [...EMOTIONS, 'disgust', 'fear'];
const quiet: OpenDatasetOptions = { onNote() {} };

describe('openDataset', () => {
  test('fer2013.csv: levels, labels and splits by Usage, as its documentation says', async () => {
    const usages = ['Training', 'Training', 'Training', 'PublicTest', 'PrivateTest', 'Training', 'PublicTest'];
    const rows = usages.map((usage, emotion) => `${emotion},${pixels(emotion)},${usage}`);
    put('fer2013.csv', ['emotion,pixels,Usage', ...rows, ''].join('\n'));
    for (const path of [join(dir, 'fer2013.csv'), dir]) {
      const data = await openDataset(path, quiet);
      expect(data.classes).toEqual(SEVEN);
      expect(namesOf(data.train)).toEqual(['angry', 'disgust', 'fear', 'surprised']);
      expect(namesOf(data.validation)).toEqual(['happy', 'neutral']);
      expect(namesOf(data.test)).toEqual(['sad']);
      const [, second] = await all(data.train!);
      expect(second).toMatchObject({ label: 5, file: `${join(dir, 'fer2013.csv')}#3` });
      expect(second.image).toMatchObject({ width: 48, height: 48, channels: 1 });
      expect([...second.image.data].join(' ')).toBe(pixels(1));
    }
  });

  test('icml_face_data.csv: other order, spaces in the header, Windows line ends', async () => {
    put('icml_face_data.csv', `emotion, Usage, pixels\r\n3,Training,${pixels(3)}\r\n6,PrivateTest,${pixels(6)}\r\n`);
    const data = await openDataset(dir, quiet);
    expect([namesOf(data.train), namesOf(data.validation), namesOf(data.test)]).toEqual([['happy'], [], ['neutral']]);
    expect([...(await all(data.test!))[0].image.data].join(' ')).toBe(pixels(6));
  });

  test('fer2013new.csv beside it: votes for eight emotions; what FER+ takes out is left out', async () => {
    put('fer2013.csv', ['emotion,pixels,Usage', ...[0, 3, 4, 5].map((e) => `${e},${pixels(e)},Training`)].join('\n'));
    const lines: string[] = [];
    put(
      'fer2013new.csv',
      [
        'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF',
        'Training,fer0.png,4,0,0,1,3,2,0,0,0,0',
        'Training,,0,10,0,0,0,0,0,0,0,0',
        'Training,fer2.png,0,0,0,2,0,0,0,0,8,0',
        'Training,fer3.png,0,0,6,0,0,0,4,0,0,0',
      ].join('\n'),
    );
    const data = await openDataset(dir, { onNote: (line) => lines.push(line) });
    expect(data.classes).toEqual([...EMOTIONS, 'contempt', 'disgust', 'fear']);
    expect(
      (await all(data.train!)).map(({ label, file }) => [
        Array.from(label as Float32Array, (p) => Math.round(p * 10)),
        basename(file),
      ]),
    ).toEqual([
      [[3, 0, 1, 4, 0, 0, 2, 0], 'fer2013.csv#2'],
      [[0, 0, 0, 0, 6, 0, 0, 4], 'fer2013.csv#5'],
    ]);
    expect(lines).toContain('left out: 2 that FER+ removes');
    const five = await openDataset(dir, { ...quiet, keep: [...EMOTIONS], map: { fear: 'surprised' } });
    expect(five.classes).toEqual(EMOTIONS);
    expect(Array.from((await all(five.all))[1].label as Float32Array)).toEqual([0, 0, 0, 0, 1]);
  });

  test.each([
    ['a label that is none', 'emotion,pixels,Usage\n8,0 0 0 0,Training', 'line 2: emotion'],
    ['an unknown Usage', 'emotion,pixels,Usage\n1,0 0 0 0,Train', 'line 2: Usage'],
  ])('fer2013.csv with %s is refused with its line', async (_, text, message) => {
    put('fer2013.csv', text);
    await expect(openDataset(dir)).rejects.toMatchObject({ code: 'DATA', message: expect.stringContaining(message) });
  });

  test('damaged pixels give an error when they are read, or are skipped', async () => {
    put('fer2013.csv', 'emotion,pixels,Usage\n1,0 0 0,Training\n2,1 2 3 4,Training\n');
    await expect(all((await openDataset(dir)).all)).rejects.toMatchObject({
      code: 'DECODE',
      message: expect.stringContaining('line 2'),
    });
    expect(
      (await all((await openDataset(dir, { unreadable: 'skip' })).all)).map(({ image }) => [...image.data]),
    ).toEqual([[1, 2, 3, 4]]);
  });

  test('folders of classes in train, test and validation have the same classes in all parts', async () => {
    await pictures(
      'train/Happy/a.png',
      'train/Fear/b.png',
      'test/Happy/c.png',
      'validation/fear/d.png',
      'train/__MACOSX/x.png',
    );
    const data = await openDataset(dir, quiet);
    expect(data.classes).toEqual(['happy', 'fear']);
    expect([data.train, data.validation, data.test].map(namesOf)).toEqual(
      [['fear', 'happy'], ['fear'], ['happy']].map((n) => n.sort()),
    );
    expect(data.test!.classes).toEqual(data.classes);
  });

  test('RAF-DB: its list, and numbered folders', async () => {
    const names = ['train_00001', 'train_00002', 'train_00003', 'test_0001', 'test_0002', 'test_0003', 'test_0004'];
    await pictures(...names.map((name) => `basic/Image/aligned/${name}_aligned.jpg`));
    put('basic/EmoLabel/list_patition_label.txt', names.map((name, i) => `${name}.jpg ${i + 1}\n`).join(''));
    const data = await openDataset(dir, quiet);
    expect(data.form).toBe('RAF-DB');
    expect(byFile(data.all)).toEqual({
      'train_00001_aligned.jpg': 'surprised',
      'train_00002_aligned.jpg': 'fear',
      'train_00003_aligned.jpg': 'disgust',
      'test_0001_aligned.jpg': 'happy',
      'test_0002_aligned.jpg': 'sad',
      'test_0003_aligned.jpg': 'angry',
      'test_0004_aligned.jpg': 'neutral',
    });
    expect([data.train?.length, data.test?.length, data.validation]).toEqual([3, 4, undefined]);
    expect(await all(data.train!)).toHaveLength(3);

    dir = join(dir, 'kaggle');
    await pictures('DATASET/train/6/train_1_aligned.jpg', 'DATASET/test/1/test_1_aligned.jpg');
    const numbered = await openDataset(join(dir, 'DATASET'), quiet);
    expect([namesOf(numbered.train), namesOf(numbered.test)]).toEqual([['angry'], ['surprised']]);
  });

  test('AffectNet: images with annotations in .npy', async () => {
    await pictures('train_set/images/0.jpg', 'train_set/images/1.jpg', 'val_set/images/2.jpg');
    putBytes('train_set/annotations/0_exp.npy', npy('<U1', Buffer.from('6\0\0\0')));
    putBytes('train_set/annotations/1_exp.npy', npy('<i8', Buffer.from(BigInt64Array.of(7n).buffer)));
    putBytes('val_set/annotations/2_exp.npy', npy('|S1', Buffer.from('3')));
    const data = await openDataset(dir, quiet);
    expect(data.form).toBe('AffectNet');
    expect([byFile(data.train!), byFile(data.validation!)]).toEqual([
      { '0.jpg': 'angry', '1.jpg': 'contempt' },
      { '2.jpg': 'surprised' },
    ]);
  });

  test('CK+: the last picture of a sequence', async () => {
    await pictures(
      'cohn-kanade-images/S005/001/S005_001_00000001.png',
      'cohn-kanade-images/S005/001/S005_001_00000011.png',
    );
    put('Emotion/S005/001/S005_001_00000011_emotion.txt', '   3.0000000e+00\n');
    expect(byFile((await openDataset(dir, quiet)).all)).toEqual({ 'S005_001_00000011.png': 'disgust' });
  });

  test('JAFFE and KDEF: names of files', async () => {
    await pictures('KA.AN1.39.tiff', 'KA.FE2.46.tiff', 'KA.SU3.38.tiff', 'KM.NE1.1.tiff', 'TM.DI3.1.tiff');
    expect(await openDataset(dir, quiet)).toMatchObject({ form: 'JAFFE' });
    expect(byFile((await openDataset(dir, quiet)).all)).toEqual({
      'KA.AN1.39.tiff': 'angry',
      'KA.FE2.46.tiff': 'fear',
      'KA.SU3.38.tiff': 'surprised',
      'KM.NE1.1.tiff': 'neutral',
      'TM.DI3.1.tiff': 'disgust',
    });
    dir = join(top, 'kdef');
    await pictures(
      'AF01/AF01AFS.JPG',
      'AF01/AF01HAFL.JPG',
      'BM35/BM35SAHR.JPG',
      'BM35/BM35SUFR.JPG',
      'BM35/BM35ANHL.JPG',
      'BM35/BM35X.JPG',
    );
    const lines: string[] = [];
    const data = await openDataset(dir, { onNote: (line) => lines.push(line) });
    expect(byFile(data.all)).toEqual({
      'AF01AFS.JPG': 'fear',
      'AF01HAFL.JPG': 'happy',
      'BM35SAHR.JPG': 'sad',
      'BM35SUFR.JPG': 'surprised',
      'BM35ANHL.JPG': 'angry',
    });
    expect(lines).toEqual(['left out: 1 whose names are not like AF01ANS.JPG']);
  });

  test('ExpW: a face of each line, cut out of its photo', async () => {
    await pictures('image/origin/a.png');
    put('label/label.lst', 'a.png 0 1 2 6 4 50.0 3\na.png 1 0 0 8 8 9.5 6\n');
    const data = await openDataset(dir, quiet);
    const [happy, neutral] = await all(data.all);
    expect(happy.image).toMatchObject({ width: 4, height: 3 });
    expect([happy, neutral].map(({ label }) => data.classes[label as number])).toEqual(['happy', 'neutral']);
    // Pixel (x, y) of a drawn picture is 10 x + y.
    expect([...happy.image.data].filter((_, i) => i % happy.image.channels === 0).slice(0, 4)).toEqual([
      21, 31, 41, 51,
    ]);
  });

  test('a plain CSV, and JSON lines: names, boxes, parts, probabilities', async () => {
    await pictures('p/a.png', 'p/b.png');
    put('list.csv', 'file,label,box,split\np/a.png,Joy,2 1 4 3,train\n"p/b.png",bored,,test\n');
    const csv = await openDataset(join(dir, 'list.csv'), quiet);
    expect(csv.classes).toEqual(['happy', 'bored']);
    expect((await all(csv.train!))[0].image).toMatchObject({ width: 4, height: 3 });
    expect(namesOf(csv.test)).toEqual(['bored']);
    put(
      'list.jsonl',
      '{"file":"p/a.png","label":{"happy":3,"bored":1},"box":{"x":0,"y":0,"width":2,"height":2}}\n\n{"file":"p/b.png","label":"bored"}\n',
    );
    const lines = await openDataset(join(dir, 'list.jsonl'), quiet);
    const [first, second] = await all(lines.all);
    expect([Array.from(first.label as Float32Array), second.label]).toEqual([[0.75, 0.25], 1]);
    put('bad.jsonl', '{"file":"p/a.png","label":"happy"}\n{"file":\n');
    await expect(openDataset(join(dir, 'bad.jsonl'))).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining('line 2'),
    });
    put('bad.csv', 'file,label,box\np/a.png,happy,1 2 3\n');
    await expect(openDataset(join(dir, 'bad.csv'))).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining('row 2'),
    });
  });

  test('an unknown form is an error that lists the known ones', async () => {
    put('notes.txt', 'hello\n');
    for (const path of [join(dir, 'notes.txt'), dir]) {
      await expect(openDataset(path)).rejects.toMatchObject({
        code: 'DATA',
        message: expect.stringMatching(/fer2013.csv.*RAF-DB.*AffectNet.*CK\+.*JAFFE.*KDEF/),
      });
    }
    await expect(openDataset(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('checkFolder accepts all of them', async () => {
    put('fer2013.csv', ['emotion,pixels,Usage', `0,${pixels(1)},Training`, `6,${pixels(1)},PrivateTest`].join('\n'));
    const check = await checkFolder(dir, quiet);
    expect(check).toMatchObject({
      files: 2,
      splits: { train: { angry: 1 }, test: { neutral: 1 } },
      sizes: { '48x48': 2 },
      strayFolders: [],
    });
    expect(check.duplicates).toMatchObject([{ exact: true, acrossSplits: true }]);
  });
});

function pixels(seed: number): string {
  return Array.from({ length: 48 * 48 }, (_, p) => (p * (seed + 3) + (p >> 4)) % 256).join(' ');
}

function put(path: string, text: string): void {
  putBytes(path, Buffer.from(text));
}

function putBytes(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), bytes);
}

/** Pictures of 8x8, in which pixel (x, y) is 10 x + y. */
async function pictures(...paths: string[]): Promise<void> {
  const raw = Buffer.from(Array.from({ length: 64 }, (_, p) => 10 * (p % 8) + (p >> 3)));
  const png = await sharp(raw, { raw: { width: 8, height: 8, channels: 1 } })
    .png()
    .toBuffer();
  for (const path of paths) putBytes(path, png);
}

function npy(type: string, value: Buffer): Buffer {
  const header = `${`{'descr': '${type}', 'fortran_order': False, 'shape': (), }`.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    value,
  ]);
}

function namesOf(folder: ImageFolder | undefined): string[] {
  return (folder?.files ?? []).map(({ label }) => folder!.classes[label]).sort();
}

function byFile(folder: ImageFolder): Record<string, string> {
  return Object.fromEntries(
    folder.files.map(({ path, label }) => [relative(dir, path).split('/').at(-1)!, folder.classes[label]]),
  );
}

async function all(folder: ImageFolder) {
  const samples = [];
  for await (const sample of folder) samples.push(sample);
  return samples;
}
