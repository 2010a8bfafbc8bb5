import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { lockFile } from '../../src/platform/node/lock-file.js';
import { noise } from '../golden-network.js';
import { NIGHT, nightTest, rows } from '../night.js';
import { NODE, nodeJson, runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'workflow');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const run = (...args: string[]) => runNode([cli, ...args], cwd);
const json = (file: string) => JSON.parse(readFileSync(join(cwd, file), 'utf8'));
const EMOTIONS = ['angry', 'happy', 'sad', 'neutral', 'surprised'];

/** A smooth picture of 48x48, another one a seed. */
async function writeFace(name: string, seed: number): Promise<void> {
  mkdirSync(dirname(join(cwd, name)), { recursive: true });
  const coarse = Buffer.from(noise(36, seed).map((value) => 255 * value));
  const image = sharp(coarse, { raw: { width: 6, height: 6, channels: 1 } }).resize(48, 48, { kernel: 'cubic' });
  await image.png().toFile(join(cwd, name));
}

beforeAll(async () => {
  let seed = 1;
  for (const emotion of EMOTIONS) {
    for (let i = 0; i < 20; i++) await writeFace(`faces/${emotion}/${i}.png`, seed++);
  }
  // The same picture under two labels, and a broken one.
  cpSync(join(cwd, 'faces/happy/0.png'), join(cwd, 'faces/sad/copy.png'));
  mkdirSync(join(cwd, 'faces/happy'), { recursive: true });
  cpSync('package.json', join(cwd, 'faces/happy/broken.png'));
});

describe('from a folder of faces to a report', () => {
  test('check: prints JSON of the promised shape alone, finds, and lists what to leave out', async () => {
    const { code, stdout, stderr } = await run('check', 'faces', '--json', '--fix', '--quiet');
    expect(stderr).toBe('');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      files: 102,
      unreadable: [{ file: join('faces/happy/broken.png'), reason: expect.stringContaining('broken.png') }],
      duplicates: [
        {
          files: [join('faces/happy/0.png'), join('faces/sad/copy.png')],
          exact: true,
          acrossSplits: false,
          acrossClasses: true,
        },
      ],
      classes: { angry: 20, happy: 21, sad: 21, neutral: 20, surprised: 20 },
      leftOut: [],
      unmatched: [],
    });
    const list = readFileSync(join(cwd, 'faces/exclude.txt'), 'utf8');
    expect(list.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'happy/broken.png',
      'happy/0.png',
      'sad/copy.png',
    ]);
    expect(readdirSync(join(cwd, 'faces/happy'))).toHaveLength(21);
    const again = await run('check', 'faces', '--exclude', 'faces/exclude.txt');
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/^99 images\n\nclass +images\nangry +20 \(20%\)\n/);
  });

  test('split: copies the same parts each time, and refuses a folder that is in use', async () => {
    const args = ['split', 'faces', '--ratio', '0.6,0.2,0.2', '--exclude', 'faces/exclude.txt', '--seed', '7'];
    const { code, stdout, stderr } = await run(...args, '--out', 'parts', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // 60, 20 and 20% of 20 images a class, of 19 for happy: 11.4 and 15.2 are the cuts.
    expect(JSON.parse(stdout)).toEqual({ out: 'parts', train: 59, val: 20, test: 20 });
    await run(...args, '--out', 'again');
    for (const part of ['train', 'val', 'test']) {
      for (const emotion of EMOTIONS) {
        expect(readdirSync(join(cwd, 'again', part, emotion))).toEqual(readdirSync(join(cwd, 'parts', part, emotion)));
      }
    }
    const refused = await run(...args, '--out', 'parts');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^fer-dcnn: output parts is not empty.* \[OPTION\]\n$/);
  });

  test('train: a run folder with model, history, metrics and report; progress on standard error alone', async () => {
    const { code, stdout, stderr } = await run('train', 'parts', '--epochs', '2', '--out', 'runs/whole', '--json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^epoch 1\/2 {2}loss .* macro recall .*\nepoch 2\/2 .*\n$/);
    expect(JSON.parse(stdout)).toEqual(json('runs/whole/metrics.json'));
    const files = readdirSync(join(cwd, 'runs/whole')).sort();
    expect(files).toEqual([
      ...['checkpoint.bin', 'history.json', 'metrics.json', 'model.json', 'report.html'],
      ...['settings.json', 'weights.bin'],
    ]);
    expect(json('runs/whole/history.json').valLoss).toHaveLength(2);
    expect(json('runs/whole/metrics.json')).toMatchObject({
      stoppedAt: 2,
      validation: { count: 20 },
      test: { count: 20 },
      data: { images: 59 },
      settings: { epochs: 2, augment: 'report', seed: 1 },
    });
    const page = readFileSync(join(cwd, 'runs/whole/report.html'), 'utf8');
    expect(page.includes('data:image/webp')).toBe(true);
    expect(page.includes('<script')).toBe(false);
  });

  test('train refuses to write over a run', async () => {
    const refused = await run('train', 'parts', '--out', 'runs/whole');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^fer-dcnn: runs\/whole already has a run: --resume .* \[OPTION\]\n$/);
  });

  nightTest('train --no-images leaves the pictures out', async () => {
    const args = ['--epochs', '1', '--no-images', '--quiet', '--augment', 'none', '--quantize', 'uint8'];
    const { code, stdout, stderr } = await run('train', 'parts', '--out', 'runs/plain', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^runs\/plain: epoch 1 of 1 kept\nvalidation: accuracy .*\ntest: .*\nreport: runs\/plain\/report\.html\n$/,
    );
    expect(readFileSync(join(cwd, 'runs/plain/report.html'), 'utf8').includes('data:image/webp')).toBe(false);
  });

  test('Ctrl-C stops with exit code 130 and leaves a checkpoint; --resume then gives the same result as a whole run', async () => {
    const child = spawn(NODE, [cli, 'train', 'parts', '--epochs', '2', '--out', 'runs/stopped'], { cwd });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (/epoch 1\/2 {2}loss/.test(stderr) && !child.killed) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stderr).toContain('continue with: fer-dcnn train parts --out runs/stopped --resume');
    expect(existsSync(join(cwd, 'runs/stopped/checkpoint.bin'))).toBe(true);
    expect(existsSync(join(cwd, 'runs/stopped/model.json'))).toBe(false);
    const resumed = await run('train', 'parts', '--out', 'runs/stopped', '--resume', '--quiet');
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(cwd, 'runs/stopped')).sort()).toEqual(readdirSync(join(cwd, 'runs/whole')).sort());
    expect(json('runs/stopped/history.json')).toEqual(json('runs/whole/history.json'));
    expect(
      readFileSync(join(cwd, 'runs/stopped/weights.bin')).equals(readFileSync(join(cwd, 'runs/whole/weights.bin'))),
    ).toBe(true);
  });

  nightTest(
    'a second train in the folder of one that is at work is turned away, and changes no file there',
    async () => {
      const files = () =>
        readdirSync(join(cwd, 'runs/whole')).map((name) => [
          name,
          readFileSync(join(cwd, 'runs/whole', name), 'base64'),
        ]);
      const unlock = await lockFile(join(cwd, 'runs/whole/training.lock'));
      const before = files();
      const second = await run('train', 'parts', '--out', 'runs/whole', '--resume', '--epochs', '3', '--quiet');
      expect(second.code).not.toBe(0);
      expect(second.stderr).toMatch(/^fer-dcnn: process \d+ on .* trains into this folder: .* \[CHECKPOINT\]\n$/);
      expect(files()).toEqual(before);
      await unlock();
    },
  );

  test('evaluate prints the result of evaluate(), and writes a report', async () => {
    const args = ['evaluate', 'parts/test', '--model', 'runs/whole', '--json', '--quiet', '--report', 'report.html'];
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(json('runs/whole/metrics.json').test);
    expect(readFileSync(join(cwd, 'report.html'), 'utf8').includes('<h2>Curves</h2>')).toBe(false);
    expect((await run('evaluate', 'parts/test', '--quiet')).stdout).toMatch(/^images +20\naccuracy /);
    for (const name of ['bored', 'attentive']) await writeFace(`moods/${name}/0.png`, 1);
    const wrong = await run('evaluate', 'moods', '--quiet');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/^fer-dcnn: moods has the classes attentive, bored; .*angry, happy.*\[CLASSES\]\n$/);
  });

  nightTest('evaluate takes the test images of what split made', async () => {
    expect((await run('evaluate', 'parts', '--quiet')).stdout).toBe(
      (await run('evaluate', 'parts/test', '--quiet')).stdout,
    );
  });

  test('summary shows the layers, and which version of the pretrained weights it shows', async () => {
    const { version, sha256 } = JSON.parse(readFileSync('weights/model.json', 'utf8')).userDefinedMetadata['fer-dcnn'];
    const { stdout } = await run('summary');
    expect(stdout).toMatch(/conv1 \(Conv2D\)[\s\S]*Total params: 535,397[\s\S]*Classes: angry, happy/);
    expect(stdout).toContain(`Weights: version ${version}, sha256 ${sha256}`);
    // Other weights do not carry it on.
    const own = JSON.parse((await run('summary', 'runs/whole', '--json')).stdout);
    expect(own).toMatchObject({ parameters: 535397, metadata: { classes: EMOTIONS } });
    expect(own.metadata.version).toBeUndefined();
  });

  test('convert: writes ONNX with the answers of the package, and a smaller TF.js model', async () => {
    expect((await run('convert', '--to', 'onnx', '--out', 'fer.onnx', '--quantize', 'uint8')).code).toBe(0);
    const session = await InferenceSession.create(join(cwd, 'fer.onnx'));
    const program = `
      import { preprocess, classify, EMOTIONS } from 'fer-dcnn';
      import { pretrained } from 'fer-dcnn/weights';
      const xs = await preprocess('faces/happy/1.png', { normalization: pretrained.normalization });
      const said = await classify('faces/happy/1.png');
      const probabilities = EMOTIONS.map((name) => said.find(({ className }) => className === name).probability);
      console.log(JSON.stringify({ inputs: [...xs.dataSync()], probabilities }));`;
    const { inputs, probabilities } = await nodeJson<Record<string, number[]>>('module', program, cwd);
    const images = new Tensor('float32', Float32Array.from(inputs), [1, 32, 32, 1]);
    const found = (await session.run({ images })).probabilities.data as Float32Array;
    for (const [i, value] of probabilities.entries()) expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);

    if (!NIGHT) return;
    await run('convert', 'runs/whole', '--to', 'tfjs', '--quantize', 'float16', '--out', 'half');
    const ratio =
      readFileSync(join(cwd, 'runs/whole/weights.bin')).length / readFileSync(join(cwd, 'half/weights.bin')).length;
    expect(ratio).toBeGreaterThan(1.9);
    expect((await run('classify', '--model', 'half', 'faces/happy/1.png')).code).toBe(0);
  });
});

describe('classify', () => {
  test('takes folders, patterns and standard input, in a fixed order', async () => {
    const listed = JSON.parse(
      (await run('classify', '--json', '--topk', '1', 'parts/test/sad', 'parts/val/**/*.png')).stdout,
    );
    const files = listed.map(({ file }: { file: string }) => file.replaceAll('\\', '/'));
    const below = (part: string, emotion: string) =>
      readdirSync(join(cwd, 'parts', part, emotion)).map((name) => `parts/${part}/${emotion}/${name}`);
    const val = EMOTIONS.flatMap((emotion) => below('val', emotion));
    expect(files).toEqual([...below('test', 'sad').sort(), ...val.sort()]);

    const child = spawn(NODE, [cli, 'classify', '--json', '-'], { cwd });
    child.stdin.end(readFileSync(join(cwd, files[0])));
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(JSON.parse(stdout)).toEqual([{ file: '-', predictions: expect.any(Array) }]);
    expect(JSON.parse(stdout)[0].predictions[0]).toEqual(listed[0].predictions[0]);
  });

  test('--csv prints one row per face, and error codes for failures', async () => {
    const { code, stdout } = await run('classify', '--csv', 'faces/happy/broken.png', 'faces/happy/1.png', 'gone*.png');
    expect(code).toBe(1);
    const rows = stdout
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));
    expect(rows[0]).toEqual(['file', ...EMOTIONS, 'error']);
    expect(rows.slice(1).map((row) => [row[0], row.at(-1)])).toEqual([
      ['gone*.png', 'NOT_FOUND'],
      ['faces/happy/broken.png', 'DECODE'],
      ['faces/happy/1.png', ''],
    ]);
    expect(rows[3].slice(1, 6).reduce((sum, value) => sum + Number(value), 0)).toBeCloseTo(1, 5);
  });

  test('--faces finds the faces on photos, and says where', async () => {
    const photo = join(process.cwd(), 'node_modules/@vladmandic/face-api/demo/sample1.jpg');
    const { code, stdout, stderr } = await run('classify', '--faces', '--json', photo, 'faces/happy/1.png');
    // Nor does it suggest --faces for the whole photo.
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [found, none] = JSON.parse(stdout);
    expect(found.faces.length).toBeGreaterThan(0);
    expect(found.faces[0]).toEqual({
      box: { x: expect.any(Number), y: expect.any(Number), width: expect.any(Number), height: expect.any(Number) },
      score: expect.any(Number),
      predictions: expect.any(Array),
    });
    expect(none.faces).toEqual([]);
  });

  test('--faces on a folder uses all cores: a line of JSON per image, or rows of CSV, with the same answers', async () => {
    mkdirSync(join(cwd, 'photos'), { recursive: true });
    const photo = join(process.cwd(), 'node_modules/@vladmandic/face-api/demo/sample1.jpg');
    const names = ['0.jpg', '1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg', '6.jpg', '7.jpg'];
    for (const [i, name] of names.entries()) {
      await sharp(photo)
        .resize(400 + 20 * i)
        .toFile(join(cwd, 'photos', name));
    }
    await writeFace('photos/8.png', 3);
    const { code, stdout, stderr } = await run('classify', '--faces', '--jsonl', '--quiet', 'photos');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ file }) => file)).toEqual([...names, '8.png'].map((name) => join('photos', name)));
    expect(lines.map(({ faces }) => faces.length)).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 0]);
    // Two images alone are classified in this process.
    const few = await run('classify', '--faces', '--json', '--quiet', 'photos/0.jpg', 'photos/8.png');
    expect([lines[0], lines[8]]).toEqual(JSON.parse(few.stdout));
    if (!NIGHT) return;

    const csv = await run('classify', '--faces', '--csv', '--quiet', 'photos');
    const rows = csv.stdout.trimEnd().split('\r\n');
    expect(rows[0]).toBe(`file,x,y,width,height,score,${EMOTIONS},error`);
    expect(rows).toHaveLength(1 + 24);
    const { box, score } = lines[0].faces[0];
    expect(rows[1]).toMatch(new RegExp(`^photos/0\\.jpg,${box.x},${box.y},${box.width},${box.height},${score},`));
    const table = await run('classify', '--faces', '--quiet', 'photos');
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(25);
    expect(table.stdout).toMatch(/photos\/8\.png +no face\n$/);
  });
});

test.each(
  rows(
    [
      [['train'], /missing required argument/],
      [['train', 'faces', '--epochs', '0'], /whole number of 1 or more/],
      [['train', 'faces', '--ema', '2'], /above 0 and below 1/],
      [['split', 'faces', '--ratio', '0.5,0.2'], /sum to 1/],
      [['convert', '--to', 'onnx'], /required option '--out <path>'/],
      [['convert', '--to', 'caffe', '--out', 'x'], /Allowed choices are tfjs, onnx/],
      [['classify', '--csv', '--json', 'x.png'], /cannot be used with/],
      [['classify', '--csv', '--jsonl', 'x.png'], /cannot be used with/],
      [['check', 'nowhere'], /nowhere cannot be found.*\(check the path\) \[NOT_FOUND\]/],
    ],
    2,
  ),
)('%j is wrong usage: exit code 2, reported on standard error', async (args, message) => {
  rmSync(join(cwd, 'x'), { recursive: true, force: true });
  const { code, stdout, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
});
