import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { EMOTIONS } from '../../src/emotions.js';
import { nightTest } from '../night.js';
import { runNode, runProgram } from '../package/run-node.js';
import { copyExample, makeGround } from './ground.js';

/*
 * Each example runs by the command in its first lines, in a folder of its own, with the package as it is published.
 * `npm install` is left out: what it would bring is there already.
 */
const { folder } = inject('consumer');
let ground: string;

beforeAll(async () => {
  ground = await makeGround(folder);
});

describe.each(
  readdirSync('examples', { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join('examples', entry.name, 'package.json')))
    .map(({ name }) => name),
)('examples/%s', (name) => {
  test('requires no package that this project does not test with', () => {
    const { dependencies = {}, devDependencies = {} } = manifest(join('examples', name));
    const ours = manifest('.');
    for (const [wanted, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      const known = { ...ours.devDependencies, ...ours.dependencies, ...ours.peerDependencies };
      if (wanted === 'fer-dcnn') expect(range).toBe(`^${ours.version}`);
      else expect(known[wanted], `${wanted} ${range}`).toBe(range);
    }
  });
});

test('node-classify prints the emotions of 22 faces', async () => {
  // What `npm run demo` runs, without building again below the other tests.
  const run = await runNode(['node_modules/tsx/dist/cli.mjs', 'examples/node-classify/index.ts'], '.');
  expect(run.code, run.stderr).toBe(0);
  expect(run.stdout.match(/^sample\d\.jpg .* \w+ \d+%$/gm)).toHaveLength(22);
});

nightTest('custom-training-loop', async () => {
  const said = await start('custom-training-loop', 'faces', '4');
  expect(said).toMatch(/kernels: (relaxed-simd|simd|composed)\n/);
  const losses = [...said.matchAll(/loss (\d\.\d+)/g)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(4);
  expect(losses[3]).toBeLessThan(losses[0]);
  expect(said).toContain('saved to trained/model.json');
});

nightTest('custom-architecture', async () => {
  const said = await start('custom-architecture', 'faces', '3');
  expect(said.match(/^epoch \d: loss/gm)).toHaveLength(3);
  expect(said).toMatch(/accuracy [01]\.\d+, macro recall/);
  expect(said).toMatch(/className: '(\w+)'/);
});

nightTest('custom-backend gives the same as the built-in backend', async () => {
  const probabilities = (text: string) => [...text.matchAll(/className: '(\w+)', probability: ([\d.e-]+)/g)];
  const program = "import { classify } from 'fer-dcnn'; console.log('face.jpg', await classify('face.jpg'));";
  const builtIn = await runNode(['--input-type=module', '--eval', program], ground);
  const found = probabilities(await start('custom-backend'));
  const expected = probabilities(builtIn.stdout);
  expect(expected).toHaveLength(EMOTIONS.length);
  expect(found.map(([, name]) => name)).toEqual(expected.map(([, name]) => name));
  for (const [i, [, , p]] of found.entries()) expect(Math.abs(Number(p) - Number(expected[i][2]))).toBeLessThan(1e-5);
});

describe('express-upload', () => {
  let server: ChildProcess;
  let address: string;

  beforeAll(async () => {
    const here = copyExample('express-upload', ground);
    server = spawn(process.execPath, ['server.js'], {
      cwd: here,
      env: { ...process.env, PORT: '0', NODE_OPTIONS: '' },
    });
    address = await new Promise((resolve, reject) => {
      server.stdout!.once('data', (text) => resolve(String(text).trim()));
      server.stderr!.once('data', (text) => reject(new Error(String(text))));
    });
  });
  afterAll(() => server?.kill());

  const send = async (bytes: Uint8Array | string, field = 'image') => {
    const form = new FormData();
    form.set(field, new Blob([bytes as BlobPart]), 'face.jpg');
    const response = await fetch(address, { method: 'POST', body: form });
    return { status: response.status, body: await response.json() };
  };

  test('answers with five emotions, the most probable first', async () => {
    const { status, body } = await send(readFileSync(join(ground, 'face.jpg')));
    expect(status).toBe(200);
    const probabilities = body.map(({ probability }: { probability: number }) => probability);
    expect(probabilities).toHaveLength(5);
    expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
  });

  test.each([
    ['no image', () => send('this is text'), 415, 'DECODE'],
    ['an empty file', () => send(''), 415, 'DECODE'],
    ['another field', () => send('x', 'picture'), 400, 'LIMIT_UNEXPECTED_FILE'],
    ['more than 10 MB', () => send(new Uint8Array(10e6 + 1)), 413, 'LIMIT_FILE_SIZE'],
    ['30 million pixels in a small file', async () => send(await hugePng()), 413, 'TOO_LARGE'],
  ])('refuses %s', async (_, request, status, code) => {
    expect(await request()).toEqual({ status, body: { code, message: expect.any(String) } });
  });

  test('refuses a request without a file', async () => {
    const response = await fetch(address, { method: 'POST' });
    expect([response.status, (await response.json()).code]).toEqual([400, 'INPUT']);
  });
});

interface Manifest {
  version: string;
  scripts: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** What `npm start` of a copy prints. */
async function start(example: string, ...args: string[]): Promise<string> {
  const here = copyExample(example, ground);
  const run = await runProgram('npm', ['start', '--silent', '--', ...args], here);
  expect(run.code, run.stderr + run.stdout).toBe(0);
  return run.stdout;
}

/** 30 million grey pixels in some 30 KB. */
function hugePng(): Promise<Uint8Array> {
  return sharp({ create: { width: 6000, height: 5000, channels: 3, background: 'grey' } })
    .png()
    .toBuffer();
}
