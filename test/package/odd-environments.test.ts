import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { NIGHT, nightTest, rows } from '../night.js';
import { installedCopies } from './consumer.js';
import { writeFaces } from './faces.js';
import { OWN_MOUNTS, runInOwnMounts } from './own-mounts.js';
import { NODE, runNode, runProgram } from './run-node.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'odd');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');

/** Prints what a picture shows: on the network of our own, and on TF.js. */
const PROGRAM = `
import { classify, EMOTIONS, useBackend } from 'fer-dcnn';
const lists = [];
for (const backend of ['simd', 'wasm']) {
  await useBackend(backend);
  const list = await classify(process.argv[2] ?? 'face.png');
  lists.push(EMOTIONS.map((name) => list.find((p) => p.className === name).probability));
}
console.log(JSON.stringify(lists));
`;

let usual: number[][];

beforeAll(async () => {
  mkdirSync(cwd, { recursive: true });
  await writeFaces(cwd);
  cpSync(join(cwd, 'face.png'), join(cwd, 'Gesicht-\u00fc-\u7b11.png'));
  writeFileSync(join(cwd, 'classify.mjs'), PROGRAM);
  usual = await shown(['classify.mjs']);
});

describe('the same answer', () => {
  const NAME = 'Gesicht-\u00fc-\u7b11.png';

  test('all at once: no environment but a locale that cannot write the file name, and a heap of 128 MB', async () => {
    const args = ['-i', 'LC_ALL=C', 'LANG=C', NODE, '--max-old-space-size=128', 'classify.mjs', NAME];
    const { code, stdout, stderr } = await runProgram('env', args, cwd);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(usual);
  });

  nightTest('any locale, also for a file name that it cannot write', async () => {
    for (const locale of ['C', 'ja_JP.SJIS', 'POSIX', 'de_DE.ISO-8859-1']) {
      expect(await shown(['classify.mjs', NAME], { LC_ALL: locale, LANG: locale })).toEqual(usual);
    }
  });

  nightTest('without a home directory, or a folder for temporary files', async () => {
    expect(await shown(['classify.mjs'], { HOME: '', USERPROFILE: '', TMPDIR: '/nowhere' })).toEqual(usual);
  });

  nightTest('without any environment', async () => {
    const { code, stdout, stderr } = await runProgram('env', ['-i', NODE, 'classify.mjs'], cwd);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(usual);
  });

  nightTest.each([
    ['a heap of 128 MB', ['--max-old-space-size=128', 'classify.mjs']],
    ['strict flags', ['--unhandled-rejections=strict', '--throw-deprecation', 'classify.mjs']],
    ['no code made of strings', ['--disallow-code-generation-from-strings', 'classify.mjs']],
  ])('with %s', async (_, args) => {
    expect(await shown(args)).toEqual(usual);
  });

  nightTest('with a stack 16 KB larger than Node itself starts with, and fer-dcnn/lite with none larger', async () => {
    writeFileSync(join(cwd, 'empty.mjs'), "import 'node:fs';");
    let size = 64;
    // 64 KB are too few for Node 20 to load any module: some 70 it takes, more where the environment is larger.
    while ((await runNode([`--stack-size=${size}`, 'empty.mjs'], cwd)).code !== 0) size += 4;
    console.log(`a stack of ${size} KB, the smallest that Node loads an empty module with`);
    expect(size).toBeLessThan(256);
    expect(await shown([`--stack-size=${size + 16}`, 'classify.mjs'])).toEqual(usual);

    // Without TF.js, what Node needs itself is enough: 64 KB, on Node 22 and later.
    writeFileSync(
      join(cwd, 'lite.mjs'),
      `import { classify } from 'fer-dcnn/lite';
      const levels = Uint8Array.from({ length: 48 * 48 }, (_, k) => (k * 7) % 256);
      const list = await classify({ data: levels, width: 48, height: 48, channels: 1 });
      process.stdout.write(JSON.stringify([list.map(({ probability }) => probability)]));`,
    );
    const tight = size === 64 ? 64 : size + 4;
    expect(await shown([`--stack-size=${tight}`, 'lite.mjs'])).toEqual(await shown(['lite.mjs']));
  });

  nightTest('with clocks that jump, back and forth', async () => {
    writeFileSync(
      join(cwd, 'clock.mjs'),
      `const now = Date.now;
      let calls = 0;
      Date.now = () => now() + (calls++ % 2 ? 1 : -1) * 1e11;`,
    );
    expect(await shown(['--import', './clock.mjs', 'classify.mjs'])).toEqual(usual);
  });

  test('from a read-only installation, which does not change', async () => {
    const installed = join(folder, 'node_modules/fer-dcnn');
    const state = () =>
      readdirSync(installed, { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => `${name} ${statSync(join(installed, name)).mtimeMs}`);
    const before = state();
    await runProgram('chmod', ['-R', 'a-w', installed], cwd);
    try {
      // By day the next test runs it from a disk that cannot be written.
      if (NIGHT || !OWN_MOUNTS) expect(await shown(['classify.mjs'])).toEqual(usual);
      const { code, stderr } = await runNode([cli, 'classify', 'face.png', '--json'], cwd);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    } finally {
      await runProgram('chmod', ['-R', 'u+w', installed], cwd);
    }
    expect(state()).toEqual(before);
  });

  test.skipIf(!OWN_MOUNTS)(
    'from a disk that is read-only to root too, with nothing writable but a terminal',
    async () => {
      const { code, stdout, stderr } = await runInOwnMounts(
        'mount --bind .. ..; mount -o remount,bind,ro ..; cd "$PWD"; ! touch x 2> /dev/null; "$NODE" classify.mjs',
        cwd,
        { TMPDIR: '/nowhere', HOME: '/nowhere' },
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual(usual);
    },
  );

  test('from two copies of the package in one process', async () => {
    const copy = join(cwd, 'other/node_modules/fer-dcnn');
    cpSync(join(folder, 'node_modules/fer-dcnn'), copy, { recursive: true });
    expect(installedCopies(join(cwd, 'other/node_modules'), 'fer-dcnn')).toHaveLength(1);
    writeFileSync(
      join(cwd, 'two.mjs'),
      `import * as first from 'fer-dcnn';
      import * as second from './other/node_modules/fer-dcnn/dist/node/index.js';
      if (first.classify === second.classify) throw new Error('one copy only');
      const lists = [];
      for (const backend of ['simd', 'wasm']) {
        for (const fer of [first, second]) await fer.useBackend(backend);
        const both = await Promise.all([first, second].map((fer) => fer.classify('face.png')));
        lists.push(...both.map((list) => first.EMOTIONS.map((name) => list.find((p) => p.className === name).probability)));
      }
      console.log(JSON.stringify(lists));`,
    );
    expect(await shown(['two.mjs'])).toEqual([usual[0], usual[0], usual[1], usual[1]]);
  });
});

describe('the command line', () => {
  test.each(
    rows(
      [
        ['classify', 'face.png', 'face.jpg', '--json'],
        ['--help'],
        ['summary'],
        ['summary', '--json'],
        ['classify', 'face.png', '--csv'],
        ['check', '.', '--json'],
      ],
      2,
    ).map((args) => ({ args, line: args.join(' ') })),
  )('ends quietly when nobody reads its output: $line', async ({ args }) => {
    const child = spawn(NODE, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.on('close', (...how) => resolve(how)),
    );
    expect(signal).toBeNull();
    expect(code).toBeLessThanOrEqual(2);
    expect(stderr).not.toMatch(/\n\s+at |EPIPE|Error:/);
  });

  nightTest('a second Ctrl-C ends a training at once, and the training can be resumed', async () => {
    for (const emotion of ['angry', 'happy', 'sad', 'neutral', 'surprised']) {
      mkdirSync(join(cwd, 'faces', emotion), { recursive: true });
      for (let i = 0; i < 4; i++) cpSync(join(cwd, 'face.png'), join(cwd, 'faces', emotion, `${i}.png`));
    }
    const train = [cli, 'train', 'faces', '--no-val', '--epochs', '500', '--out', 'runs/twice'];
    const child = spawn(NODE, train, { cwd });
    let stderr = '';
    let presses = 0;
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (presses === 0 && /epoch 2\/500/.test(stderr)) {
        presses++;
        child.kill('SIGINT');
      } else if (presses === 1 && stderr.includes('press again to stop immediately')) {
        presses++;
        // Later than one press of a key that comes twice.
        setTimeout(() => child.kill('SIGINT'), 700);
      }
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/\n\s+at /);
    const resumed = await runNode(
      [cli, 'train', 'faces', '--out', 'runs/twice', '--resume', '--epochs', '20', '--quiet'],
      cwd,
    );
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
  });
});

async function shown(args: string[], env: Record<string, string> = {}): Promise<number[][]> {
  const { code, stdout, stderr } = await runNode(args, cwd, env);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as number[][];
}
