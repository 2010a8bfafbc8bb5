import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SplitFolderOptions, splitFolder } from '../../src/folders/split-folder.js';
import { bundled } from '../bundled.js';
import fc from '../fast-check.js';

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

  test('removes the remains of a killed split into the same folder, and nothing else', async () => {
    const beside = mkdtempSync(join(tmpdir(), 'fer-dcnn-unfinished-'));
    const output = join(beside, 'parts');
    const host = hostname().replace(/[^\w.]/g, '_');
    const random = '0123456789abcdef';
    const child = spawnSync(process.execPath, ['--eval', 'console.log(process.pid)'], { encoding: 'utf8' });
    const gone = child.stdout.trim();
    const [dead, alive, elsewhere, others, older] = [
      `${output}.unfinished-${gone}-${host}-${random}`,
      `${output}.unfinished-${process.pid}-${host}-${random}`,
      `${output}.unfinished-${gone}-another-${random}`,
      `${output}-2.unfinished-${gone}-${host}-${random}`,
      `${output}.unfinished-notes`,
    ];
    for (const each of [dead, alive, elsewhere, others, older]) {
      mkdirSync(join(each, 'train'), { recursive: true });
      writeFileSync(join(each, 'train/x.png'), 'x');
    }
    splitFolder(dir, { output });
    expect(existsSync(dead)).toBe(false);
    for (const each of [alive, elsewhere, others, older]) expect(existsSync(join(each, 'train/x.png'))).toBe(true);
    expect(readdirSync(output).sort()).toEqual(['test', 'train', 'val']);
    rmSync(beside, { recursive: true });
  });

  test('that is killed during copying leaves nothing after it is run again', async () => {
    const beside = mkdtempSync(join(tmpdir(), 'fer-dcnn-killed-'));
    const output = join(beside, 'parts');
    const program = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { copyFileSync } = fs;
      let left = 20;
      fs.copyFileSync = (from, to) => (left-- > 0 ? copyFileSync(from, to) : process.kill(process.pid, 'SIGKILL'));
      syncBuiltinESMExports();
      const { splitFolder } = await import('./src/folders/split-folder.ts');
      splitFolder(${JSON.stringify(dir)}, { output: ${JSON.stringify(output)} });`;
    const killed = spawnSync(process.execPath, [bundled(program)]);
    expect(killed.signal).toBe('SIGKILL');
    const [left] = readdirSync(beside);
    expect(left).toMatch(/^parts\.unfinished-/);
    splitFolder(dir, { output });
    expect(readdirSync(beside)).toEqual(['parts']);
    rmSync(beside, { recursive: true });
  });

  test('can be awaited, and its parts iterated', async () => {
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
