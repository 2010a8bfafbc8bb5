import { execFileSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { ClassifierPool, loadModel, saveModel } from '../../src/node.js';

const root = mkdtempSync(join(tmpdir(), 'fer-dcnn-load-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let count = 0;
beforeEach(async () => {
  folder = join(root, `${count++}`);
  const model = buildModel({ seed: 1 });
  await saveModel(model, folder);
  model.dispose();
});

async function saveModelAgain(): Promise<void> {
  const model = buildModel({ seed: 1 });
  await saveModel(model, join(root, 'again'));
  cpSync(join(root, 'again/model.json'), join(folder, 'model.json'));
  model.dispose();
}

/** Writes `model.json` with its weights manifest changed. */
function change(edit: (manifest: { paths: unknown[]; weights: { name: string; shape: number[] }[] }[]) => void): void {
  const path = join(folder, 'model.json');
  const json = JSON.parse(readFileSync(path, 'utf8'));
  edit(json.weightsManifest);
  writeFileSync(path, JSON.stringify(json));
}

const refused = async (code: string, message: RegExp) => {
  const before = process.memoryUsage();
  const error = await loadModel(folder).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'FerError', code, message: expect.stringMatching(message) });
  const { arrayBuffers, heapTotal } = process.memoryUsage();
  expect(arrayBuffers + heapTotal - before.arrayBuffers - before.heapTotal).toBeLessThan(128 * 2 ** 20);
};

describe('a model on disk', () => {
  test('is loaded by its folder or its model.json, from one binary or several', async () => {
    expect((await loadModel(folder)).countParams()).toBe(535397);
    expect((await loadModel(join(folder, 'model.json'))).countParams()).toBe(535397);
    const whole = readFileSync(join(folder, 'weights.bin'));
    writeFileSync(join(folder, 'a.bin'), whole.subarray(0, 1001));
    writeFileSync(join(folder, 'b.bin'), whole.subarray(1001));
    change(([group]) => {
      group.paths = ['a.bin', 'b.bin'];
    });
    expect((await loadModel(folder)).countParams()).toBe(535397);
  });

  test('whose binary is longer than model.json declares is refused before it is read', async () => {
    // A hole in a file: of 8 GB, none on the disk.
    truncateSync(join(folder, 'weights.bin'), 8 * 2 ** 30);
    await refused('WEIGHTS_CORRUPT', /8589934592 bytes, .*model\.json says 2141588/);
  });

  test('that lists more weights than allowed is refused before they are read', async () => {
    truncateSync(join(folder, 'weights.bin'), 8 * 2 ** 30);
    change(([group]) => {
      group.weights = [{ ...group.weights[0], shape: [2 ** 31] }];
    });
    await refused('MODEL', /2147483648 weights; the limit is 268435456/);
  });

  test('that names one binary many times is refused', async () => {
    change(([group]) => {
      group.paths = Array(1e5).fill('weights.bin');
      group.weights[0].shape = [...group.weights[0].shape, 1e5];
    });
    await refused('MODEL', /names a binary twice|weights; the limit is/);
    change(([group]) => {
      group.paths = ['weights.bin', 'weights.bin'];
      group.weights = [...group.weights, ...group.weights].map((entry) => ({
        ...entry,
        shape: entry.shape.slice(0, 4),
      }));
    });
    await refused('MODEL', /names a binary twice/);
  });

  test('that names one binary in five hundred ways is refused before any is read', async () => {
    const many = (paths: string[]) =>
      change(([group]) => {
        group.paths = paths;
        group.weights = Array.from({ length: paths.length }, () => group.weights.slice(0, 8)).flat();
      });
    many(Array.from({ length: 50 }, (_, i) => `${'./'.repeat(i)}weights.bin`));
    await refused('MODEL', /names a binary twice/);
    linkSync(join(folder, 'weights.bin'), join(folder, 'hard.bin'));
    symlinkSync('weights.bin', join(folder, 'soft.bin'));
    for (const other of ['hard.bin', 'soft.bin']) {
      await saveModelAgain();
      many(['weights.bin', other]);
      await refused('MODEL', /names a binary twice/);
    }
  });

  test('whose saving was interrupted between its two files: the error names the old file', async () => {
    const other = buildModel({ seed: 2 });
    await saveModel(other, join(root, 'other'));
    other.dispose();
    cpSync(join(root, 'other/weights.bin'), join(folder, 'weights.bin'));
    utimesSync(join(folder, 'model.json'), 1000, 1000);
    await refused('WEIGHTS_CORRUPT', /sha256 is .*; model\.json is the older file/);
    utimesSync(join(folder, 'weights.bin'), 900, 900);
    await refused('WEIGHTS_CORRUPT', /sha256 is .*; weights\.bin is the older file/);
    truncateSync(join(folder, 'weights.bin'), 1000);
    utimesSync(join(folder, 'weights.bin'), 900, 900);
    await refused('WEIGHTS_CORRUPT', /1000 bytes, .*model\.json says 2141588; weights\.bin is the older file/);
  });

  test('in a single model.json loads as the same model; an incomplete file is refused', async () => {
    const model = buildModel({ seed: 3 });
    const single = join(root, 'single');
    await saveModel(model, single, { singleFile: true, quantize: 'uint8' });
    await saveModel(model, join(root, 'double'), { quantize: 'uint8' });
    expect(readdirSync(single)).toEqual(['model.json']);
    const [one, two] = await Promise.all([loadModel(single), loadModel(join(root, 'double'))]);
    expect(one.getWeights().map((each) => each.dataSync())).toEqual(two.getWeights().map((each) => each.dataSync()));
    const pool = new ClassifierPool({ workers: 1, model: single });
    await pool.load();
    await pool.close();

    const path = join(single, 'model.json');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    folder = single;
    const { weightData } = json;
    for (const odd of [5, '', weightData.slice(4), `${weightData}AAAA`, `${weightData.slice(0, -9)}*********`]) {
      writeFileSync(path, JSON.stringify({ ...json, weightData: odd }));
      await refused('WEIGHTS_CORRUPT', /./);
    }
    writeFileSync(path, JSON.stringify({ ...json, weightData: `AAAA${weightData.slice(4)}` }));
    await refused('WEIGHTS_CORRUPT', /sha256/);
    for (const each of [model, one, two]) each.dispose();
  });

  test('with a huge model.json is refused before it is read', async () => {
    truncateSync(join(folder, 'model.json'), 4 * 2 ** 30);
    await refused('MODEL', /not a file of at most 32 MB/);
  });

  test.each(['null', '5', '"x"', '[]', '{}', '{"weightsManifest":null}', '{"weightsManifest":[null]}', '', '{'])(
    'whose model.json is %s is refused',
    async (text) => {
      writeFileSync(join(folder, 'model.json'), text);
      await refused('MODEL', /./);
    },
  );

  test.runIf(process.platform !== 'win32')(
    'whose binary or model.json is a pipe is refused, not waited for',
    async () => {
      rmSync(join(folder, 'weights.bin'));
      execFileSync('mkfifo', [join(folder, 'weights.bin')]);
      await refused('NOT_FOUND', /neither a file nor a folder/);
      rmSync(join(folder, 'model.json'));
      execFileSync('mkfifo', [join(folder, 'model.json')]);
      await refused('NOT_FOUND', /neither a file nor a folder/);
    },
  );

  test('whose binary is a folder, or outside its own folder, is refused', async () => {
    cpSync(join(folder, 'weights.bin'), join(root, 'outside.bin'));
    change(([group]) => {
      group.paths = ['.'];
    });
    await refused('NOT_FOUND', /is a folder/);
    change(([group]) => {
      group.paths = ['../outside.bin'];
    });
    await refused('MODEL', /outside its folder/);
  });
});
