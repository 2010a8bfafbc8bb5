import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { nightTest, rows } from '../night.js';
import { writeFaces } from '../package/faces.js';
import { NODE, nodeJson, runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'cli');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const run = (...args: string[]) => runNode([cli, ...args], cwd);

beforeAll(async () => {
  mkdirSync(cwd, { recursive: true });
  await writeFaces(cwd);
  writeFileSync(join(cwd, 'text.jpg'), 'not an image');
});

describe('fer-dcnn classify', () => {
  test('prints one line per file, and nothing else', async () => {
    const { code, stdout, stderr } = await run('classify', 'face.png', 'face.jpg');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const line = (file: string) => `${file} +(angry|happy|sad|neutral|surprised) +\\d+\\.\\d%( +█+)?\\n`;
    expect(stdout).toMatch(new RegExp(`^${line('face\\.png')}${line('face\\.jpg')}$`));
  });

  test('--json prints what classify() gives, and nothing else', async () => {
    const { code, stdout, stderr } = await run('classify', '--json', 'face.png');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const expected = await nodeJson(
      'module',
      `import { classify } from 'fer-dcnn'; console.log(JSON.stringify(await classify('face.png')));`,
      cwd,
    );
    expect(JSON.parse(stdout)).toEqual([{ file: 'face.png', predictions: expected }]);
  });

  nightTest('--topk and --backend are followed', async () => {
    const { stdout } = await run('classify', '--json', '--topk', '2', '--backend', 'cpu', 'face.png');
    expect(JSON.parse(stdout)[0].predictions).toHaveLength(2);
  });

  nightTest('--model takes a folder that saveModel wrote', async () => {
    const program = `
      import * as tf from '@tensorflow/tfjs-core';
      import { buildModel } from 'fer-dcnn';
      import { saveModel } from 'fer-dcnn/node';
      const model = buildModel({ seed: 1 });
      for (const weight of model.weights) weight.write(tf.zerosLike(weight.read()));
      await saveModel(model, 'even');
      console.log('true');`;
    await nodeJson('module', program, cwd);
    const { stdout } = await run('classify', '--json', '--model', 'even', 'face.png');
    for (const { probability } of JSON.parse(stdout)[0].predictions) expect(probability).toBeCloseTo(0.2, 6);
  });

  test('reports each failed image in one line, classifies the others, and exits with 1', async () => {
    const { code, stdout, stderr } = await run('classify', '--json', 'gone.png', 'face.png', 'text.jpg');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      { file: 'gone.png', error: { code: 'NOT_FOUND', message: expect.stringContaining('gone.png') } },
      { file: 'face.png', predictions: expect.any(Array) },
      { file: 'text.jpg', error: { code: 'DECODE', message: expect.stringContaining('text.jpg') } },
    ]);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^fer-dcnn: gone\.png .*check the path.* \[NOT_FOUND\]$/);
    expect(lines[1]).toMatch(/^fer-dcnn: text\.jpg .* \[DECODE\]$/);
  });

  test('control characters in a name do not reach the terminal', async () => {
    const { stderr } = await run('classify', '\u001b[2Jgone\n.png');
    expect(stderr).toMatch(/^fer-dcnn: \?\[2Jgone/);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each(
    rows(
      [
        [[], /Usage/],
        [['classify', '--model', 'nowhere', 'face.png'], /no model at nowhere.*\[NOT_FOUND\]/],
        [['nothing'], /unknown command/],
        [['classify'], /missing required argument/],
        [['classify', '--topk', '6', 'face.png'], /whole number from 1 to 5/],
        [['classify', '--backend', 'gpu', 'face.png'], /Allowed choices are simd, wasm, cpu/],
      ],
      3,
    ),
  )('%j is wrong usage: exit code 2, reported on standard error', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  test('--version and --help answer on standard output', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const { code, stdout } = await run('classify', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Exit codes:[\s\S]*Examples:/);
  });

  test('a reader that closes the pipe early is not an error', async () => {
    const child = spawn(NODE, [cli, 'classify', ...Array(50).fill('face.png')], { cwd });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
