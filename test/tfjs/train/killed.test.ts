import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildModel, train, useBackend } from '../../../src/index.js';
import { checkpointFolder } from '../../../src/platform/node/checkpoint-folder.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/tfjs/train/checkpoint.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { bundled } from '../../bundled.js';
import { SEED } from '../../fast-check.js';
import { leftOut, NIGHT } from '../../night.js';
import { smallFaces } from './small-faces.js';

if (!NIGHT) leftOut('five of six kills of a training', '1');

/* Trainings that die at the worst moment. `FER_KILLS=20 npm run test:kills` kills more often. */
const KILLS = Number(process.env.FER_KILLS ?? (NIGHT ? 6 : 1));

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-killed-'));
const started = new Set<ChildProcess>();
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Enough that there is something to kill each time. Three steps an epoch. */
const EPOCHS = Math.max(4, KILLS);

const program = bundled('test/tfjs/train/killed-process.ts');

/** Starts a training; `steps` is when it has done so many, or has ended. */
function training(run: string, { pause = 0, steps = 1 } = {}) {
  const child = spawn(process.execPath, [program, run, String(EPOCHS), String(pause)], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  let output = '';
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.split('step').length > steps) resolve();
    });
    child.on('close', () => resolve());
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('close', (code) => {
      started.delete(child);
      resolve({ code, output });
    });
  });
  return { child, begun, ended };
}

describe('a training that is killed', () => {
  const whole = join(folder, 'whole');
  let weights: Buffer;
  beforeAll(async () => {
    expect(await training(whole).ended).toMatchObject({ code: 0 });
    weights = readFileSync(join(whole, 'weights.bin'));
  }, 120_000);

  test(`${KILLS} times with kill -9 reaches the same weights, bit for bit`, {
    timeout: 60_000 + KILLS * 60_000,
  }, async () => {
    console.log(`kills: ${KILLS}, seed ${SEED}`);
    const random = randomStream(SEED);
    const run = join(folder, 'killed');
    let found = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // The first surely after an epoch's end; the others between, before and in the midst of writing.
      const steps = kill === 0 ? 5 : 1 + Math.floor(random() * 6);
      const { child, begun, ended } = training(run, { pause: 10, steps });
      await begun;
      await sleep(random() * 30);
      child.kill('SIGKILL');
      await ended;
      // Whatever moment it was: what is there is whole.
      const bytes = await checkpointFolder(run).load();
      if (bytes !== null) found += decodeCheckpoint(bytes).arrays.length > 0 ? 1 : 0;
      if (existsSync(join(run, 'weights.bin')))
        expect(readFileSync(join(run, 'weights.bin')).length).toBe(weights.length);
    }
    expect(found).toBeGreaterThan(0);
    expect(await training(run).ended).toMatchObject({ code: 0 });
    expect(readFileSync(join(run, 'weights.bin')).equals(weights)).toBe(true);
    expect(readdirSync(run).sort()).toEqual(['checkpoint.bin', 'model.json', 'weights.bin']);
  });

  test('keeps a second training out of its folder, and leaves the folder to the next', {
    timeout: 120_000,
  }, async () => {
    const run = join(folder, 'two');
    const first = training(run, { pause: 2000 });
    await first.begun;
    await useBackend('wasm');
    const second = train(buildModel({ seed: 3 }), smallFaces(), { checkpoint: checkpointFolder(run), resume: true });
    await expect(second).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringMatching(
        new RegExp(`^process ${first.child.pid} on .* trains into this folder: .*training\\.lock`),
      ),
    });
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(join(run, 'training.lock'))).toBe(true);
    const unlock = await checkpointFolder(run).lock!();
    await expect(checkpointFolder(run).lock!()).rejects.toMatchObject({ code: 'CHECKPOINT' });
    await unlock();
    expect(existsSync(join(run, 'training.lock'))).toBe(false);
  });
});

describe('a folder that cannot be written', () => {
  test('is a CHECKPOINT error that names it', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    await expect(checkpointFolder(join(file, 'run')).lock!()).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringContaining(file),
    });
    await expect(checkpointFolder(join(file, 'run')).save(new Uint8Array(3))).rejects.toMatchObject({
      code: 'CHECKPOINT',
    });
  });

  test.skipIf(!existsSync('/dev/full'))(
    'keeps the old checkpoint when the disk is full, and no other file',
    async () => {
      // A file of at most 64 KB, by ulimit: the same path through the code as a full disk, without being root.
      const run = join(folder, 'full');
      const save = bundled(`
      import { checkpointFolder } from './src/platform/node/checkpoint-folder.ts';
      process.on('SIGXFSZ', () => {});
      const bytes = new Uint8Array(Number(process.argv[2])).fill(7);
      try { await checkpointFolder(${JSON.stringify(run)}).save(bytes); console.log('saved'); }
      catch (error) { console.log(error.code); }`);
      const limited = (bytes: number) =>
        new Promise<string>((resolve) => {
          const script = `ulimit -f 64; exec "$0" "$1" "$2"`;
          const child = spawn('bash', ['-c', script, process.execPath, save, String(bytes)], {
            env: { ...process.env, NODE_OPTIONS: '' },
          });
          let output = '';
          child.stdout.on('data', (chunk) => {
            output += chunk;
          });
          child.on('close', () => resolve(output.trim()));
        });
      expect(await limited(1000)).toBe('saved');
      expect(await limited(2 ** 20)).toBe('CHECKPOINT');
      expect(readdirSync(run)).toEqual(['checkpoint.bin']);
      expect(readFileSync(join(run, 'checkpoint.bin')).length).toBe(1000);
    },
  );
});

describe('a checkpoint', () => {
  test('detects damage at every byte', () => {
    const whole = encodeCheckpoint({
      state: { steps: 10, history: { loss: [0.5] } },
      arrays: [Float32Array.of(1, 2, 3)],
    });
    for (let at = 0; at < whole.length; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at] ^= 1;
      expect(() => decodeCheckpoint(damaged), `byte ${at}`).toThrow(expect.objectContaining({ code: 'CHECKPOINT' }));
      expect(() => decodeCheckpoint(whole.subarray(0, at)), `length ${at}`).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT' }),
      );
    }
  });
});
