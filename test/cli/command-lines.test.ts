import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import fc from '../fast-check.js';
import { checkTold, commandLines, copyGround, writeGround } from '../fuzz/command-lines.js';
import { nightTest, runs } from '../night.js';
import { runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const root = join(folder, 'command-lines');
let cwd: string;
const run = (words: string[]) => runNode([cli, ...words], cwd, { REDIS_URL: 'nowhere' });

beforeAll(async () => {
  await writeGround(join(root, 'first'));
  cwd = copyGround(join(root, 'first'), join(root, 'second'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('any command line: a documented exit code, a readable message, no stack trace', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(await commandLines(), async (words) => {
      seen.add(checkTold(words, await run(words)));
    }),
    { numRuns: runs(40), endOnFailure: true },
  );
  expect(seen.has('exit 0') && seen.has('exit 2')).toBe(true);
});

nightTest('a training prints its folders without control characters', async () => {
  const words = ['train', 'faces', '--no-val', '--epochs', '1', '--out', 'odd\u001b[2J\nrun'];
  const told = await run(words);
  expect(checkTold(words, told)).toBe('exit 0');
  expect(told.stdout).toBe('odd?[2J?run: epoch 1 of 1 kept\n');
});

test('more threads than a training may have are wrong usage', async () => {
  const words = ['train', 'faces', '--workers', '100000', '--epochs', '1', '--out', 'many'];
  const told = await run(words);
  expect(checkTold(words, told)).toBe('exit 2');
  expect(told.stderr).toMatch(/whole number from 1 to 128/);
});
