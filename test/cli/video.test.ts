import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ffmpeg, hasFfmpeg } from '../ffmpeg.js';
import { nightTest, rows } from '../night.js';
import { NODE, nodeJson, runNode } from '../package/run-node.js';

const { folder } = inject('consumer');
const cwd = join(folder, 'video');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
const run = (...args: string[]) => runNode([cli, 'video', ...args], cwd);

describe.skipIf(!hasFfmpeg())('fer-dcnn video', () => {
  beforeAll(() => {
    mkdirSync(cwd, { recursive: true });
    const photo = resolve('node_modules/@vladmandic/face-api/demo/sample1.jpg');
    const still = ['-loop', '1', '-t', '2', '-r', '10', '-i', photo, '-vf', 'scale=1600:-2', '-pix_fmt', 'yuv420p'];
    ffmpeg(cwd, ...still, '-c:v', 'mpeg4', '-q:v', '4', '-g', '1', 'clip.mp4');
    ffmpeg(cwd, '-i', 'clip.mp4', '-c', 'copy', 'clip.mkv');
    const bytes = readFileSync(join(cwd, 'clip.mkv'));
    writeFileSync(join(cwd, 'cut.mkv'), bytes.subarray(0, bytes.length * 0.7));
  });

  test('prints shares and timeline of the three faces of a photo, and nothing else', async () => {
    const { code, stdout, stderr } = await run('--fps', '5', '--quiet', 'clip.mp4');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^clip\.mp4: 0:01\.8, 10 frames, 3 faces\n\nall faces\n/);
    for (const id of [1, 2, 3]) {
      expect(stdout).toMatch(new RegExp(`\nface ${id}, 0:00\\.0 to 0:01\\.8\n  (happy|neutral|sad) +100\\.0%`));
    }
    expect(stdout).toMatch(/\ntimeline\n( {2}0:0\d\.\d to 0:01\.8 {2}face [123] {2}\w+\n){3}$/);
  });

  nightTest('--json prints the summary, with the same content as --csv', async () => {
    const json = await run('--fps', '5', '--max-faces', '1', '--json', 'clip.mp4');
    expect(json.code).toBe(0);
    const { frames, faces, overall } = JSON.parse(json.stdout);
    expect(frames).toBe(10);
    expect(faces).toHaveLength(1);
    const csv = await run('--fps', '5', '--max-faces', '1', '--csv', 'clip.mp4');
    const [{ emotion, from, to }] = overall.timeline;
    expect(csv.stdout).toBe(`face,emotion,from,to,duration\n1,${emotion},${from},${to},${to - from}\n`);
  });

  nightTest('--frames prints each frame, with boxes in pixels of the video', async () => {
    const { code, stdout } = await run(
      '--fps',
      '5',
      '--max-frames',
      '4',
      '--max-faces',
      '1',
      '--json',
      '--frames',
      'clip.mp4',
    );
    expect(code).toBe(0);
    const states = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(states.map(({ time }) => time)).toEqual([0, 200, 400, 600]);
    const { box } = states[3].faces[0];
    expect(box.width).toBeGreaterThan(50);
    expect(box.x + box.width).toBeLessThan(1600);
    const csv = await run('--fps', '5', '--max-frames', '4', '--max-faces', '1', '--csv', '--frames', 'clip.mp4');
    const [header, ...rows] = csv.stdout.trimEnd().split('\n');
    expect(header).toMatch(/^time,face,x,y,width,height,seen,emotion,angry,/);
    expect(rows.at(-1)).toMatch(new RegExp(`^600,1,${box.x},${box.y},${box.width},${box.height},1,`));
  });

  nightTest('a model of other classes has its own names in table, CSV and JSON', async () => {
    const program = `
      import * as tf from '@tensorflow/tfjs-core';
      import { buildModel, useBackend } from 'fer-dcnn';
      import { saveModel } from 'fer-dcnn/node';
      await useBackend('cpu');
      const model = buildModel({ classes: ['a bored and sleepy face', 'attentive'], seed: 1 });
      for (const weight of model.weights) weight.write(tf.zerosLike(weight.read()));
      const bias = model.layers.at(-1).bias;
      bias.write(tf.tensor1d([1, 0]));
      await saveModel(model, 'bored');
      console.log('true');`;
    await nodeJson('module', program, cwd);
    const own = ['--model', 'bored', '--max-faces', '1', '--max-frames', '8', '--min-duration', '200', '--quiet'];
    const table = await run(...own, 'clip.mp4');
    expect(table.stderr).toBe('');
    expect(table.stdout).toMatch(/\n {2}a bored and sleepy face {2}100\.0% .* once/);
    const { stdout } = await run(...own, '--csv', '--frames', 'clip.mp4');
    expect(stdout.split('\n')[0]).toBe('time,face,x,y,width,height,seen,emotion,a bored and sleepy face,attentive');
    const json = await run(...own, '--json', 'clip.mp4');
    expect(Object.keys(JSON.parse(json.stdout).overall.emotions)).toEqual(['a bored and sleepy face', 'attentive']);
  });

  test('prints the readable part of a truncated file, reports the damage, and exits with 1', async () => {
    const { code, stdout, stderr } = await run('--fps', '5', '--json', '--quiet', 'cut.mkv');
    expect(code).toBe(1);
    const { frames } = JSON.parse(stdout);
    expect(frames).toBeGreaterThanOrEqual(5);
    expect(frames).toBeLessThan(10);
    expect(stderr).toMatch(/^fer-dcnn: cut\.mkv is damaged; \d\.\d of 2\.0 s .*\[DAMAGED\]\n$/);
  });

  test('Ctrl-C stops it with the results so far and exit code 130', async () => {
    const child = spawn(NODE, [cli, 'video', '--fps', '200', '--csv', '--frames', 'clip.mp4'], { cwd });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      // A second Ctrl-C would end it at once.
      if (/\n\d/.test(stdout) && !child.killed) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stdout.trimEnd().split('\n').length).toBeLessThan(1000);
    expect(stdout.endsWith('\n')).toBe(true);
  });

  test.each(
    rows(
      [
        [['gone.mp4'], /gone\.mp4 cannot be opened.*check the path.*\[NOT_FOUND\]/],
        [['--frames', 'clip.mp4'], /--frames goes with --json or --csv/],
        [['--json', '--csv', 'clip.mp4'], /cannot be used with option/],
        [['--fps', '0', 'clip.mp4'], /number above 0 and below 1000/],
      ],
      2,
    ),
  )('%j is wrong usage: exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  test('without ffmpeg it says how to install it', async () => {
    const { code, stderr } = await runNode([cli, 'video', 'clip.mp4'], cwd, { PATH: '' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/needs? the program ffprobe.*apt-get install ffmpeg.*\[PACKAGE_MISSING\]/);
  });

  nightTest('the programs of docs/video.md run', async () => {
    const programs = [...readFileSync('docs/video.md', 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text);
    expect(programs).toHaveLength(3);
    for (const program of programs) {
      const { code, stdout, stderr } = await runNode(['--input-type=module', '--eval', program], cwd);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(stdout).not.toBe('');
    }
  });
});
