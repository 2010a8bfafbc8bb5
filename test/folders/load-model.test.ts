import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { loadModel, saveModel } from '../../src/node.js';

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

  test('whose binary is longer than model.json says is refused before it is read', async () => {
    // A hole in a file: of 8 GB, none on the disk.
    truncateSync(join(folder, 'weights.bin'), 8 * 2 ** 30);
    await refused('WEIGHTS_CORRUPT', /8589934592 bytes, .*model\.json says 2141588/);
  });

  test('that lists more weights than a model may have is refused before they are read', async () => {
    truncateSync(join(folder, 'weights.bin'), 8 * 2 ** 30);
    change(([group]) => {
      group.weights = [{ ...group.weights[0], shape: [2 ** 31] }];
    });
    await refused('MODEL', /2147483648 weights; up to 268435456/);
  });

  test('that names one binary many times is refused', async () => {
    change(([group]) => {
      group.paths = Array(1e5).fill('weights.bin');
      group.weights[0].shape = [...group.weights[0].shape, 1e5];
    });
    await refused('MODEL', /names a binary twice|weights; up to/);
    change(([group]) => {
      group.paths = ['weights.bin', 'weights.bin'];
      group.weights = [...group.weights, ...group.weights].map((entry) => ({
        ...entry,
        shape: entry.shape.slice(0, 4),
      }));
    });
    await refused('MODEL', /names a binary twice/);
  });

  test('with a huge model.json is refused before it is read', async () => {
    truncateSync(join(folder, 'model.json'), 4 * 2 ** 30);
    await refused('MODEL', /no file of up to 32 MB/);
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
      await refused('NOT_FOUND', /neither file nor folder/);
      rmSync(join(folder, 'model.json'));
      execFileSync('mkfifo', [join(folder, 'model.json')]);
      await refused('NOT_FOUND', /neither file nor folder/);
    },
  );

  test('whose binary is a folder, or outside, is refused', async () => {
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
