import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { disposeVariables } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import { checkTold, commandLines, type Told, writeGround } from './command-lines.js';
import { fuzz, TIME, watchProcess } from './run-cases.js';

/*
 * Whole command lines, run in this process: what they print is for humans, their exit codes are those of the documentation,
 * and nothing else is thrown. test/cli/command-lines.test.ts runs some as processes of their own.
 */
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fer-dcnn-fuzz-'));
const home = process.cwd();
beforeAll(async () => {
  process.chdir(await writeGround(root));
  // No queue is there to be waited for.
  process.env.REDIS_URL = 'nowhere';
});
afterAll(() => {
  process.chdir(home);
  delete process.env.REDIS_URL;
  rmSync(root, { recursive: true, force: true });
});
watchProcess();

test('any command line ends with an exit code and a message', { timeout: TIME }, async () => {
  const listeners = process.listenerCount('SIGINT');
  const counts = await fuzz(
    'command-line',
    0.08,
    await commandLines(),
    async (words) => {
      const told = await run(words);
      // A process of its own would end here, with the models that it opened.
      disposeVariables();
      expect(process.listenerCount('SIGINT')).toBe(listeners);
      return checkTold(words, told);
    },
    { most: 10_000 },
  );
  expect(Object.keys(counts).sort()).toEqual(['exit 0', 'exit 1', 'exit 2']);
});

async function run(words: readonly string[]): Promise<Told> {
  const { exit, exitCode } = process;
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  const told = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((text: string | Uint8Array) => {
      told[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    }) as typeof write;
    return () => {
      process[name].write = write;
    };
  });
  process.exit = (code) => {
    throw new Error(`process.exit(${code})`);
  };
  Object.defineProperty(process, 'stdin', { value: Readable.from([]), configurable: true });
  process.exitCode = undefined;
  try {
    await runProgram(words);
    return { code: process.exitCode, ...told };
  } finally {
    for (const each of restore) each();
    process.exit = exit;
    Object.defineProperty(process, 'stdin', stdin);
    process.exitCode = exitCode;
  }
}
