import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { writeFaces } from './faces.js';
import { nodeJson, runNode } from './run-node.js';

if (!NIGHT) leftOut('most answers of the CommonJS build', '1');

const { folder } = inject('consumer');

beforeAll(() => writeFaces(folder));

const load = {
  module: `
    import * as fer from 'fer-dcnn';
    import * as weights from 'fer-dcnn/weights';
    import * as kernels from 'fer-dcnn/kernels';
    import * as node from 'fer-dcnn/node';
    import * as queue from 'fer-dcnn/queue';
    import * as standalone from 'fer-dcnn/standalone';
    import * as tf from '@tensorflow/tfjs-core';`,
  commonjs: `
    const fer = require('fer-dcnn');
    const weights = require('fer-dcnn/weights');
    const kernels = require('fer-dcnn/kernels');
    const node = require('fer-dcnn/node');
    const queue = require('fer-dcnn/queue');
    const standalone = require('fer-dcnn/standalone');
    const tf = require('@tensorflow/tfjs-core');`,
};

/** What each body returned, or why it failed. */
type Answers = Record<string, { result: unknown } | { error: string }>;

/** Runs bodies one after another in one program, with all entries in scope; what they return comes back as JSON. */
function inNode(type: 'module' | 'commonjs', bodies: Record<string, string>): Promise<Answers> {
  const parts = Object.entries(bodies).map(
    ([name, body]) =>
      `await (async () => { ${body} })().then(
        (result) => { answers[${JSON.stringify(name)}] = { result }; },
        (error) => { answers[${JSON.stringify(name)}] = { error: String(error && error.stack) }; });`,
  );
  const program = `${load[type]}
    (async () => { const answers = {}; ${parts.join('\n')} console.log(JSON.stringify(answers)); })();`;
  return nodeJson(type, program, folder);
}

/** What programs do with the package. */
const BODIES = {
  inputs: `
      const { default: sharp } = await import('sharp');
      const { readFile } = await import('node:fs/promises');
      const { pathToFileURL } = await import('node:url');
      const bytes = await readFile('face.png');
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      const pixels = { data, width: info.width, height: info.height, channels: info.channels };
      const lists = {};
      for (const backend of ['wasm', 'cpu']) {
        await fer.useBackend(backend);
        const inputs = {
          path: 'face.png', url: pathToFileURL('face.png'), buffer: bytes, array: new Uint8Array(bytes),
          blob: new Blob([bytes]), pixels, tensor: tf.tensor3d(Array.from(data), [info.height, info.width, 3]),
        };
        for (const [kind, input] of Object.entries(inputs)) {
          const list = await fer.classify(input);
          lists[backend + ' ' + kind] = fer.EMOTIONS.map((name) => list.find((p) => p.className === name).probability);
        }
      }
      return lists;`,
  entries: `
      const codeOf = (error) => error instanceof fer.FerError && error.code;
      const model = await weights.loadPretrained();
      return {
        unreachable: await weights.loadPretrained({ assets: { 'weights.bin': 'nowhere.bin' } }).catch(codeOf),
        corrupt: await weights.loadPretrained({ assets: { 'weights.bin': 'face.png' } }).catch(codeOf),
        missing: await node.loadModel('nowhere').catch(codeOf),
        image: await fer.classify('nowhere.png').catch(codeOf),
        backend: await fer.useBackend('nothing').catch(codeOf),
        sameTf: standalone.tf.engine() === tf.engine(),
        sameError: standalone.FerError === fer.FerError,
        params: model.countParams(),
        kernels: typeof (await kernels.registerTrainingKernels()).path,
        sha256: weights.pretrained.sha256.length,
      };`,
  missing: `
      const address = { connection: 'redis://127.0.0.1:1' };
      const attempts = [new node.ClassifierPool().load(), queue.queueStatus(address), queue.createMetrics(address)];
      const errors = await Promise.all(attempts.map((attempt) => attempt.catch((error) => error)));
      return errors.map((error) => [error instanceof fer.FerError, error.code, error.message]);`,
  training: `
      await fer.useBackend('wasm');
      const model = fer.buildModel({ seed: 1 });
      const xs = tf.tidy(() => tf.concat(Array.from({ length: 20 }, (_, i) => tf.fill([1, 32, 32, 1], (i % 5) / 4))));
      const ys = tf.tensor1d(Array.from({ length: 20 }, (_, i) => i % 5), 'int32');
      const { history } = await fer.train(model, { xs, ys }, { epochs: 4, batchSize: 10, seed: 1 });
      return history.loss;`,
  threads: `
      const model = fer.buildModel({ seed: 1 });
      const xs = tf.zeros([8, 32, 32, 1]);
      const ys = tf.zeros([8], 'int32');
      const { history } = await fer.train(model, { xs, ys }, { epochs: 1, batchSize: 8, seed: 1, workers: 2 });
      return history.loss;`,
};

describe.each(['module', 'commonjs'] as const)('in Node as %s', (type) => {
  /** What has nothing to do with how the package was loaded: of CommonJS at night. */
  const oneByDay = type === 'module' ? test : nightTest;
  let answers: Answers;

  beforeAll(async () => {
    const { entries } = BODIES;
    answers = await inNode(type, type === 'module' || NIGHT ? BODIES : { entries });
  });

  function answer<T>(name: keyof typeof BODIES): T {
    const found = answers[name];
    if ('error' in found) throw new Error(found.error);
    return found.result as T;
  }

  oneByDay('all ways to give a picture give the same probabilities, on wasm and on cpu', () => {
    const lists = answer<Record<string, number[]>>('inputs');
    expect(Object.keys(lists)).toHaveLength(14);
    const [first, ...rest] = Object.values(lists);
    expect(first.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    for (const list of rest) for (const [i, p] of list.entries()) expect(Math.abs(p - first[i])).toBeLessThan(1e-5);
  });

  test('the entries share one FerError, one TF.js, and nothing is printed', () => {
    const found = answer<Record<string, unknown>>('entries');
    expect(found).toEqual({
      unreachable: 'WEIGHTS_UNREACHABLE',
      corrupt: 'WEIGHTS_CORRUPT',
      missing: 'NOT_FOUND',
      image: 'NOT_FOUND',
      backend: 'BACKEND_UNKNOWN',
      sameTf: true,
      sameError: true,
      params: 535_397,
      kernels: 'string',
      sha256: 64,
    });
  });

  oneByDay('ClassifierPool and the queue name the packages that they need', () => {
    const missing = answer<unknown[]>('missing');
    expect(missing).toEqual(
      ['piscina', 'ioredis', 'prom-client'].map((name) => [
        true,
        'PACKAGE_MISSING',
        expect.stringContaining(`npm install ${name}`),
      ]),
    );
  });

  oneByDay('training lowers the loss on wasm', () => {
    const losses = answer<number[]>('training');
    expect(losses.at(-1)).toBeLessThan(losses[0]);
  });

  oneByDay('threads that share a batch start from the package', () => {
    const losses = answer<number[]>('threads');
    expect(losses).toHaveLength(1);
  });
});

test("a program that imports TF.js's wasm package itself gets a classifier too", async () => {
  const program = `
    import '@tensorflow/tfjs-backend-wasm';
    import { createClassifier } from 'fer-dcnn';
    const list = await createClassifier({ backend: 'wasm' }).classify('face.png');
    console.log(JSON.stringify(list.length));`;
  expect(await nodeJson('module', program, folder)).toBe(5);
});

describe('in Node, when binaries are not to be had', () => {
  test('useBackend rejects, classify falls back to cpu with one warning', async () => {
    const program = `
      import { mkdirSync, renameSync } from 'node:fs';
      import { classify, FerError, useBackend } from 'fer-dcnn';
      const face = { data: new Uint8Array(1024), width: 32, height: 32, channels: 1 };
      const error = await useBackend('wasm', { assets: '/nowhere/' }).catch((error) => error);
      console.log(JSON.stringify({ code: error instanceof FerError && error.code, named: error.message.includes('/nowhere/') }));`;
    const { stdout, stderr } = await runNode(['--input-type=module', '--eval', program], folder);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ code: 'WASM_UNREACHABLE', named: true });
  });

  test('a copy of the package without binaries classifies on cpu, with one warning', async () => {
    const program = `
      import { register } from 'node:module';
      import { promises } from 'node:fs';
      import fs from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      const readFile = fs.readFile;
      fs.readFile = (path, ...rest) => String(path).endsWith('.wasm') ? Promise.reject(new Error('gone')) : readFile(path, ...rest);
      syncBuiltinESMExports();
      const { classify } = await import('fer-dcnn');
      const face = { data: new Uint8Array(1024), width: 32, height: 32, channels: 1 };
      await classify(face);
      console.log(JSON.stringify((await classify([face, face])).length));`;
    writeFileSync(join(folder, 'without-binaries.mjs'), program);
    const { stdout, stderr } = await runNode(['without-binaries.mjs'], folder);
    expect(JSON.parse(stdout)).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/fer-dcnn: backend 'wasm' cannot be used, falling back to 'cpu'/);
  });
});
