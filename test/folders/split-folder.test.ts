import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SplitFolderOptions, splitFolder } from '../../src/folders/split-folder.js';

const COUNTS = { angry: 10, happy: 57, sad: 23 };
const top = mkdtempSync(join(tmpdir(), 'fer-dcnn-split-'));
const dir = join(top, 'faces');
beforeAll(async () => {
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'gray' } })
    .png()
    .toBuffer();
  for (const [name, count] of Object.entries(COUNTS)) {
    mkdirSync(join(dir, name, 'deep'), { recursive: true });
    for (let k = 0; k < count; k++) writeFileSync(join(dir, name, k % 5 ? `${k}.png` : `deep/${k}.png`), png);
  }
});
afterAll(() => rmSync(top, { recursive: true }));

describe('splitFolder', () => {
  test('parts are disjoint and complete, each class in its shares, for any ratio and seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 80 }), fc.integer(), (percent, seed) => {
        const ratio = [percent / 100, (100 - percent) / 200, (100 - percent) / 200] as const;
        const { train, validation, test: rest } = splitFolder(dir, { ratio, seed });
        const paths = [train, validation, rest].flatMap((part) => part.files.map(({ path }) => path));
        expect(new Set(paths).size).toBe(90);
        expect(paths.length).toBe(90);
        Object.values(COUNTS).forEach((count, label) => {
          [train, validation, rest].forEach((part, k) => {
            const share = part.files.filter((file) => file.label === label).length;
            expect(Math.abs(share - count * ratio[k])).toBeLessThanOrEqual(1);
          });
        });
      }),
      { numRuns: 20 },
    );
  });

  test('by default 80, 10 and 10 of a hundred', () => {
    const { train, validation, test: rest } = splitFolder(dir);
    expect([train.length, validation.length, rest.length]).toEqual([8 + 46 + 18, 1 + 5 + 3, 1 + 6 + 2]);
  });

  test('the same seed gives the same parts, another seed others', () => {
    const paths = (seed: number) => splitFolder(dir, { seed }).train.files.map(({ path }) => path);
    expect(paths(5)).toEqual(paths(5));
    expect(paths(6)).not.toEqual(paths(5));
  });

  test('two ratios give no test part', () => {
    const { train, validation, test: rest } = splitFolder(dir, { ratio: [0.5, 0.5] });
    expect(train.length + validation.length).toBe(90);
    expect(rest).toBeUndefined();
  });

  test('may be awaited, and its parts iterated', async () => {
    const { validation } = await splitFolder(dir);
    const labels: unknown[] = [];
    for await (const { label } of validation) labels.push(label);
    expect(labels).toEqual(validation.files.map(({ label }) => label));
  });

  test('options of imageFolder hold for the parts', () => {
    const { train } = splitFolder(dir, { ratio: [0.5, 0.5], classes: ['sad', 'angry'] });
    expect(train.classes).toEqual(['sad', 'angry']);
    expect(train.files.every(({ path }) => !path.includes('happy'))).toBe(true);
  });

  test('with output the files are copied, and nothing else is left', () => {
    const output = join(top, 'copied');
    mkdirSync(output); // empty, so it may be used
    const parts = splitFolder(dir, { output });
    expect(readdirSync(top).sort()).toEqual(['copied', 'faces']);
    expect(readdirSync(output).sort()).toEqual(['test', 'train', 'val']);
    for (const [name, part] of [
      ['train', parts.train],
      ['val', parts.validation],
      ['test', parts.test],
    ] as const) {
      const copies = readdirSync(join(output, name), { recursive: true }).map(String);
      const expected = part.files.map(({ path }) => relative(dir, path));
      expect(copies.filter((file) => file.endsWith('.png')).sort()).toEqual(expected.sort());
      expect(readFileSync(join(output, name, expected[0]))).toEqual(readFileSync(join(dir, expected[0])));
    }
    expect(() => splitFolder(dir, { output })).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });

  test.skipIf(process.platform !== 'linux')('a folder that cannot be written is NOT_WRITTEN', () => {
    // Nobody makes a folder there, root neither.
    expect(() => splitFolder(dir, { output: '/sys/fer-dcnn-parts' })).toThrow(
      expect.objectContaining({ code: 'NOT_WRITTEN', message: expect.stringContaining('/sys/fer-dcnn-parts') }),
    );
  });

  test('a copy that fails leaves nothing', () => {
    writeFileSync(join(top, 'file'), 'x');
    expect(() => splitFolder(dir, { output: join(top, 'file', 'below') })).toThrow(
      expect.objectContaining({ code: 'OPTION' }),
    );
    expect(existsSync(join(top, 'file', 'below'))).toBe(false);
    rmSync(join(top, 'file'));
  });

  test.each<[string, SplitFolderOptions, string]>([
    ['a sum below 1', { ratio: [0.5, 0.2, 0.2] }, 'OPTION'],
    ['a sum above 1', { ratio: [0.9, 0.2] }, 'OPTION'],
    ['a negative share', { ratio: [1.2, -0.1, -0.1] }, 'OPTION'],
    ['an empty share', { ratio: [1, 0] }, 'OPTION'],
    ['one share', { ratio: [1] as unknown as [number, number] }, 'OPTION'],
    ['NaN', { ratio: [Number.NaN, 0.5] }, 'OPTION'],
    ['a share too small for any image', { ratio: [0.999, 0.001] }, 'DATA'],
    ['half a seed', { seed: 0.5 }, 'OPTION'],
    ['an output inside the folder', { output: join(dir, 'out') }, 'OPTION'],
    ['the folder itself as output', { output: dir }, 'OPTION'],
  ])('refuses %s', (_, options, code) => {
    expect(() => splitFolder(dir, options)).toThrow(expect.objectContaining({ name: 'FerError', code }));
  });
});
