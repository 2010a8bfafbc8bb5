import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { rows } from '../night.js';
import { runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'completion');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');

/** Ends with 9 where TF.js was loaded: none of what is run here needs it, and it takes three quarters of the time. */
const WITHOUT_TFJS = `
  const { _cache } = require('node:module');
  process.on('exit', () => {
    const loaded = Object.keys(_cache).filter((path) => path.includes('@tensorflow'));
    if (loaded.length > 0) process.exitCode = 9;
  });`;
const run = (...args: string[]) => runNode(['--require', './without-tfjs.cjs', cli, ...args], cwd);

/** Commands with what `--help` says of each. */
const helps = new Map<string, string>();

beforeAll(async () => {
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'without-tfjs.cjs'), WITHOUT_TFJS);
  const seen = ['--require', './without-tfjs.cjs', '--eval', "require('@tensorflow/tfjs-core/package.json')"];
  expect((await runNode(seen, cwd)).code).toBe(9);
  for (const command of rows(
    ['train', 'classify', 'worker', 'check', 'split', 'evaluate', 'video', 'studio', 'enqueue'],
    3,
  )) {
    const { code, stdout } = await run(command, '--help');
    expect(code).toBe(0);
    helps.set(command, stdout);
  }
});

describe('fer-dcnn completion', () => {
  test('bash completes commands, options and their values', async () => {
    const { code, stdout, stderr } = await run('completion', 'bash');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    writeFileSync(join(cwd, 'completion.bash'), stdout);
    const answers = (...words: string[]) => {
      const script = 'source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _fer_dcnn; declare -p COMPREPLY';
      const told = execFileSync('bash', ['-c', script, '-', 'fer-dcnn', ...words], { cwd, encoding: 'utf8' });
      return [...told.matchAll(/\[\d+\]="([^"]*)"/g)].map(([, word]) => word).join(' ');
    };
    expect(answers('ch')).toBe('check');
    expect(answers('classify', '--ba')).toBe('--backend');
    expect(answers('classify', '--backend', '')).toBe('simd wasm cpu');
    expect(answers('train', '--schedule', 'co')).toBe('constant cosine');
    expect(answers('queue', '')).toBe('status');
    expect(answers('completion', '')).toBe('bash zsh fish');
    // Names of files are the shell's own.
    expect(answers('classify', 'face')).toBe('');
  });

  test.each(rows(['fish', 'bash', 'zsh'], 1))(
    '%s: every option of every command is in it, and the shell can read it',
    async (shell) => {
      const { code, stdout } = await run('completion', shell);
      expect(code).toBe(0);
      for (const [command, help] of helps) {
        const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag);
        expect(flags.length).toBeGreaterThan(2);
        for (const flag of flags) expect(stdout, command).toContain(shell === 'fish' ? `-l ${flag.slice(2)} ` : flag);
      }
      const checked = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
      if (checked.error === undefined) expect(checked.stderr).toBe('');
    },
  );

  test('another shell is wrong usage', async () => {
    expect(await run('completion', 'tcsh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh, fish'),
    });
  });
});

test('classify of a whole photo suggests --faces, on standard error only', async () => {
  const photo = resolve('node_modules/@vladmandic/face-api/demo/sample1.jpg');
  const { code, stdout, stderr } = await run('classify', '--json', photo);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toHaveLength(1);
  expect(stderr).toMatch(
    /^fer-dcnn: \S+sample1\.jpg is a whole photo with small faces: --faces finds and classifies them\n$/,
  );
  expect((await run('classify', '--quiet', photo)).stderr).toBe('');
});
