import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { nightTest, rows } from '../night.js';
import { writeFaces } from './faces.js';
import { runNode } from './run-node.js';

const { folder } = inject('consumer');
const PACKAGES = ['tfjs-core', 'tfjs-layers', 'tfjs-backend-cpu', 'tfjs-backend-wasm'];

/** Uses the package with the program's own TF.js, in all the ways in which the one meets the other. */
const PROGRAM = `
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import * as fer from 'fer-dcnn';
import { loadModel, saveModel } from 'fer-dcnn/node';

const listOf = (found) => fer.EMOTIONS.map((name) => found.find((p) => p.className === name).probability);
const told = { versions: [tf.version_core, tfl.version_layers], shown: {}, own: {}, losses: {} };
const model = (conv, dense) => tfl.sequential({ layers: [
  tfl.layers.conv2d({ name: conv, filters: 3, kernelSize: 3, inputShape: [32, 32, 1] }),
  tfl.layers.flatten(),
  tfl.layers.dense({ name: dense, units: 5, activation: 'softmax' }),
] });
// Names that ours has too: TF.js keeps one list of them in a process.
const net = model('conv1', 'dense1');
const built = fer.buildModel({ seed: 1 });
const faces = tf.randomUniform([5, 32, 32, 1]);
const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 3, 4], 'int32'), 5);
for (const backend of ['simd', 'wasm', 'cpu']) {
  await fer.useBackend(backend);
  told.shown[backend] = listOf(await fer.classify('../face.png'));
  const input = await fer.preprocess('../face.png');
  const classifier = fer.createClassifier({ model: net, backend });
  told.own[backend] = [listOf(await classifier.classify('../face.png')), Array.from(await net.predict(input).data())];
  if (backend === 'simd') continue;
  for (const each of [model('mine' + backend, 'too' + backend), ...(backend === 'wasm' ? [fer.buildModel()] : [])]) {
    const { history } = await fer.train(each, { xs: faces, ys: labels }, { epochs: 1 });
    (told.losses[backend] ??= []).push(history.loss[0]);
  }
}
await saveModel(net, 'saved');
for (const each of [net, await loadModel('saved'), await loadModel('saved'), built, fer.buildModel()]) each.dispose();
console.log(JSON.stringify(told));
`;

interface Told {
  versions: string[];
  shown: Record<string, number[]>;
  own: Record<string, [number[], number[]]>;
  losses: Record<string, number[]>;
}

let usual: Told;

beforeAll(async () => {
  await writeFaces(folder);
  usual = (await run(project('usual', [], []))).told as Told;
});

describe('TF.js one minor above ours', () => {
  test.each(
    rows<[string, string[]]>(
      [
        ['all of it', PACKAGES],
        ['its core alone', ['tfjs-core']],
        ['its layers alone', ['tfjs-layers']],
        ['its backends alone', ['tfjs-backend-cpu', 'tfjs-backend-wasm']],
      ],
      1,
    ),
  )('%s: everything works, and we print nothing', async (_, newer) => {
    const { told, stderr } = await run(project(`newer-${newer.length}-${newer[0]}`, PACKAGES, newer, true));
    expect(ourLines(stderr)).toEqual([]);
    const version = (name: string) => (newer.includes(name) ? NEWER : OURS);
    expect(told.versions).toEqual([version('tfjs-core'), version('tfjs-layers')]);
    expectUsual(told);
  });

  nightTest('beside our own in one process: each takes the tensors and models of the other', async () => {
    const { told, stderr } = await run(project('beside', PACKAGES, PACKAGES));
    expect(told.versions).toEqual([NEWER, NEWER]);
    expectUsual(told);
    expect(ourLines(stderr)).toEqual([]);
  });
});

describe('the package itself and a bundle of it, TF.js inside, in one process', () => {
  const root = join(folder, 'bundled');
  // From where the bundle lies, the package's files are found as from its own: two folders up.
  const place = join(root, 'made/by');

  beforeAll(async () => {
    mkdirSync(place, { recursive: true });
    const installed = join(folder, 'node_modules/fer-dcnn');
    cpSync(join(installed, 'dist/wasm'), join(root, 'dist/wasm'), { recursive: true });
    cpSync(join(installed, 'weights'), join(root, 'weights'), { recursive: true });
    writeFileSync(
      join(root, 'entry.js'),
      `export * from 'fer-dcnn'; export { version_core } from '@tensorflow/tfjs-core';`,
    );
    const { warnings } = await build({
      absWorkingDir: root,
      entryPoints: ['entry.js'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: join(place, 'bundle.mjs'),
      external: ['sharp', '@cornerstonejs/*'],
      // What CommonJS inside of it takes for given.
      banner: {
        js: `import { createRequire as requireOf } from 'node:module';
        const require = requireOf(import.meta.url);
        const __filename = require('node:url').fileURLToPath(import.meta.url);
        const __dirname = require('node:path').dirname(__filename);`,
      },
    });
    expect(warnings).toEqual([]);
    writeFileSync(
      join(place, 'run.mjs'),
      `const load = { bundle: () => import('./bundle.mjs'), package: () => import('fer-dcnn') };
      const shown = [];
      for (const step of process.argv.slice(2)) {
        const [which, backend] = step.split(':');
        const fer = await load[which]();
        await fer.useBackend(backend);
        const found = await fer.classify('../../../face.png');
        shown.push([backend, fer.EMOTIONS.map((name) => found.find((p) => p.className === name).probability)]);
        if (fer.buildModel({ seed: 1 }).countParams() !== 535397) throw new Error('another network');
      }
      console.log(JSON.stringify(shown));`,
    );
  });

  test.each(
    rows(
      [
        ['bundle:simd', 'package:simd'],
        ['bundle:cpu', 'package:wasm', 'bundle:cpu', 'package:cpu', 'bundle:wasm'],
        ['bundle:simd', 'bundle:wasm', 'bundle:cpu'],
        ['package:simd', 'bundle:simd'],
        ['bundle:wasm', 'package:wasm', 'bundle:wasm'],
        ['package:wasm', 'bundle:wasm', 'package:wasm'],
      ],
      2,
    ),
  )('%s, %s …: the same probabilities', async (...steps) => {
    const { code, stdout, stderr } = await runNode(['run.mjs', ...steps.filter((step) => step !== undefined)], place);
    if (code !== 0) throw new Error(stderr);
    for (const [backend, list] of JSON.parse(stdout) as [string, number[]][]) {
      expect(list).toEqual(usual.shown[backend]);
    }
    expect(ourLines(stderr)).toEqual([]);
  });

  test('without the files beside it, the bundle names the files that it needs', async () => {
    const alone = join(folder, 'alone/in/here');
    mkdirSync(alone, { recursive: true });
    cpSync(join(place, 'bundle.mjs'), join(alone, 'bundle.mjs'));
    writeFileSync(
      join(alone, 'run.mjs'),
      `const codes = [];
      const fer = await import('./bundle.mjs');
      for (const backend of ['simd', 'wasm', 'cpu']) {
        const failed = async (error) => codes.push([error.name, error.code, error.message]);
        await fer.useBackend(backend).then(() => fer.classify('../../../face.png')).catch(failed);
      }
      console.log(JSON.stringify(codes));`,
    );
    const { stdout } = await runNode(['run.mjs'], alone);
    expect(JSON.parse(stdout)).toEqual([
      ['FerError', 'WASM_UNREACHABLE', expect.stringMatching(/\.wasm is not at .*: serve it there.*assets/)],
      ['FerError', 'WASM_UNREACHABLE', expect.stringMatching(/\.wasm is not at .*: serve it there.*assets/)],
      ['FerError', 'WEIGHTS_UNREACHABLE', expect.stringMatching(/weights\.bin is not at .*: serve it there.*assets/)],
    ]);
  });
});

const OURS = '4.22.0';
const NEWER = '4.23.0';

/**
 * A project with a TF.js of its own, of which some packages say that they are newer.
 *
 * @param copied - The packages that it has; the others are those of the project around it.
 * @param withOurs - Whether our package lies beside them, and so takes them.
 */
function project(name: string, copied: readonly string[], newer: readonly string[], withOurs = false): string {
  const at = join(folder, name);
  const modules = join(at, 'node_modules');
  mkdirSync(modules, { recursive: true });
  for (const each of copied) {
    const from = join(folder, 'node_modules/@tensorflow', each);
    const to = join(modules, '@tensorflow', each);
    mkdirSync(join(to, 'dist'), { recursive: true });
    // What Node loads of them.
    const files = readdirSync(join(from, 'dist')).filter((file) => /\.node\.js$|\.wasm$/.test(file));
    for (const file of ['package.json', ...files.map((file) => join('dist', file))]) {
      const bytes = readFileSync(join(from, file));
      const changed = newer.includes(each) && !file.endsWith('.wasm');
      if (changed) expect(`${bytes}`).toContain(OURS);
      writeFileSync(join(to, file), changed ? `${bytes}`.replaceAll(OURS, NEWER) : bytes);
    }
  }
  if (withOurs) cpSync(join(folder, 'node_modules/fer-dcnn'), join(modules, 'fer-dcnn'), { recursive: true });
  writeFileSync(join(at, 'use.mjs'), PROGRAM);
  return at;
}

async function run(at: string): Promise<{ told: Told; stderr: string }> {
  const { code, stdout, stderr } = await runNode(['use.mjs'], at);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return { told: JSON.parse(stdout) as Told, stderr };
}

/** What was printed, without TF.js's own messages about what it finds twice and about a faster package. */
function ourLines(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => !/already (been set|registered)|^=*$|running TensorFlow\.js in Node/.test(line));
}

function expectUsual({ shown, own, losses }: Told): void {
  expect(shown).toEqual(usual.shown);
  for (const [classified, predicted] of Object.values(own)) {
    for (const [c, probability] of classified.entries()) expect(probability).toBeCloseTo(predicted[c], 5);
  }
  expect(Object.values(losses).flat()).toHaveLength(3);
  for (const loss of Object.values(losses).flat()) expect(loss).toBeGreaterThan(0);
}
