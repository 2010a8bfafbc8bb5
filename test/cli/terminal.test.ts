import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ffmpeg, hasFfmpeg } from '../ffmpeg.js';
import { noise } from '../golden-network.js';
import { NIGHT, nightTest, rows } from '../night.js';
import { writeFaces } from '../package/faces.js';
import { NODE } from '../package/run-node.js';
import { runInTerminal, screen, TERMINAL } from './terminal.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'terminal');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const run = (line: string) => runInTerminal(`${NODE} ${cli} ${line}`, cwd, { REDIS_URL: 'redis://127.0.0.1:9' });

if (!TERMINAL) console.warn('\n  !! SKIPPED: no `script` on PATH; nothing is tested in a terminal. Debian: bsdutils\n');

describe('what a terminal shows in the end', () => {
  test.each([
    ['one\r\u001b[Ktwo\r\nthree', ['two', 'three']],
    ['long line\rab', ['abng line']],
    ['bar 10%\r\u001b[K', []],
  ])('of %j is %j', (output, shown) => expect(screen(output)).toEqual(shown));
});

describe.skipIf(!TERMINAL)('in a terminal', () => {
  beforeAll(async () => {
    mkdirSync(cwd, { recursive: true });
    await writeFaces(cwd);
    writeFileSync(join(cwd, 'text.jpg'), 'not an image');
    let seed = 1;
    for (const emotion of ['angry', 'happy', 'sad', 'neutral', 'surprised']) {
      mkdirSync(join(cwd, 'faces', emotion), { recursive: true });
      for (let i = 0; i < 10; i++) {
        const raw = { width: 48, height: 48, channels: 1 as const };
        const levels = Buffer.from(noise(48 * 48, seed++).map((value) => 255 * value));
        await sharp(levels, { raw })
          .png()
          .toFile(join(cwd, 'faces', emotion, `${i}.png`));
      }
    }
    cpSync(join(cwd, 'faces'), join(cwd, 'broken'), { recursive: true });
    writeFileSync(join(cwd, 'broken/happy/0.png'), 'not an image');
  });

  test('classify: the error of an image stays visible, wherever the results go', () => {
    const failed = /^fer-dcnn: text\.jpg is text .* \[DECODE\]$/;
    const lines: [line: string, shown: number][] = [
      ['classify --quiet face.jpg text.jpg > out.txt', 0],
      ['classify face.jpg text.jpg', 1],
      ['classify --csv face.jpg text.jpg > out.csv', 0],
      ['classify --json text.jpg face.jpg > out.json', 0],
      ['classify --faces --csv face.jpg text.jpg > out.csv', 0],
    ];
    for (const [line, answers] of rows(lines, 2)) {
      const { code, shown } = run(line);
      expect(code, line).toBe(1);
      expect(shown, line).toHaveLength(answers + 1);
      expect(shown.at(-1), line).toMatch(failed);
    }
    expect(readFileSync(join(cwd, 'out.txt'), 'utf8')).toMatch(/^face\.jpg /);
  });

  test('train: one line per epoch stays visible, and so do the files that were left out', () => {
    const { code, shown } = run('train broken --epochs 2 --out run --skip-unreadable');
    expect(code).toBe(0);
    expect(shown).toEqual([
      expect.stringMatching(/^fer-dcnn: broken\/happy\/0\.png is text .* \(left out\) \[DECODE\]$/),
      expect.stringMatching(/^epoch 1\/2 {2}loss/),
      expect.stringMatching(/^epoch 2\/2 {2}loss/),
      expect.stringMatching(/^run: epoch \d of 2 kept$/),
      expect.stringMatching(/^validation: accuracy/),
      'report: run/report.html',
    ]);
  });

  nightTest('check, split, evaluate, summary, convert: no progress bar remains, and the answer is complete', () => {
    expect(run('check faces').shown[0]).toBe('50 images');
    expect(run('split faces --out parts').shown).toEqual([
      'parts',
      'train  40 images',
      'val    5 images',
      'test   5 images',
    ]);
    expect(run('evaluate faces').shown[0]).toMatch(/^images +50$/);
    expect(run('evaluate broken --skip-unreadable').shown.slice(0, 2)).toEqual([
      expect.stringMatching(/0\.png is text .* \(left out\) \[DECODE\]$/),
      expect.stringMatching(/^images +49$/),
    ]);
    expect(run('summary').shown.join('\n')).toContain('535,397');
    expect(run('convert --to onnx --out net.onnx').code).toBe(0);
  });

  test.each(
    rows(
      [
        'check gone',
        'evaluate broken',
        'queue status',
        'split gone',
        'train gone',
        'evaluate gone',
        'summary gone',
        'convert gone --to onnx --out x',
        'video gone',
        'classify --model gone face.jpg',
        'enqueue faces',
        'train broken --epochs 1 --out stopped',
      ],
      3,
    ),
  )('%s: what ends it is the last line, with its code', (line) => {
    const { code, shown } = run(line);
    expect(code).toBe(2);
    expect(shown.at(-1)).toMatch(/^fer-dcnn: .* \[[A-Z_]+\]$/);
    expect(shown).toHaveLength(1);
  });

  test.runIf(hasFfmpeg() && NIGHT)('video: the damage stays, and lines of --frames are not mixed with a bar', () => {
    const noisy = ['-f', 'lavfi', '-i', 'testsrc=s=160x120:r=25:d=4,noise=alls=40:allf=t', '-pix_fmt', 'yuv420p'];
    ffmpeg(cwd, ...noisy, ...['-c:v', 'mpeg4', '-q:v', '5', '-g', '25'], 'whole.mkv');
    const bytes = readFileSync(join(cwd, 'whole.mkv'));
    writeFileSync(join(cwd, 'cut.mkv'), bytes.subarray(0, bytes.length / 2));
    const { code, shown } = run('video --json cut.mkv > summary.json');
    expect(code).toBe(1);
    expect(shown).toEqual([expect.stringMatching(/^fer-dcnn: cut\.mkv is damaged.*\[DAMAGED\]$/)]);
    const frames = run('video --json --frames --fps 2 whole.mkv');
    // A picture each 40 ms: the first at or after each half second.
    expect(frames.shown.map((line) => JSON.parse(line).time)).toEqual([0, 520, 1000, 1520, 2000, 2520, 3000, 3520]);
  });
});
