import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { transformSync } from '@babel/core';
import { build } from 'esbuild';
import { describe, expect, inject, test } from 'vitest';
import { readGolden } from '../golden-network.js';
import { sharedPath } from '../shared.js';
import { nodeJson, runProgram } from './run-node.js';

const { folder } = inject('consumer');
const root = join(folder, 'node_modules/fer-dcnn');
const goldenFile = sharedPath('golden/network.json');
const hermes = hermesPath();

/** Two faces as an app has them, RGBA without a word about it and grey: the same expression for Hermes and for Node. */
const FACES = `[
  { data: Uint8ClampedArray.from({ length: 60 * 72 * 4 }, (_, k) => (k % 4 === 3 ? 255 : (k * 7 + (k >> 8) * 31) % 256)), width: 60, height: 72 },
  { data: Uint8Array.from({ length: 48 * 48 }, (_, k) => (k * k) % 251), width: 48, height: 48, channels: 1 },
]`;

describe('fer-dcnn/lite for React Native', () => {
  test('is one file without import.meta, import() or classes of Unicode characters', () => {
    const source = readFileSync(join(root, 'dist/react-native/lite.js'), 'utf8');
    expect(source).not.toMatch(/import\.meta|\bimport\s*\(|\brequire\s*\(|\\[pP]\{|^\s*import\b/m);
    expect(source).toMatch(/^export \{/m);
  });

  test.runIf(hermes)('gives the same on Hermes as in Node with WebAssembly', { timeout: 300_000 }, async () => {
    const answers = await onHermes<Answers>(
      'app',
      `import { classify, createClassifier, EMOTIONS } from 'fer-dcnn/lite';
      const weights = Uint8Array.from(WEIGHTS.match(/../g), (digits) => parseInt(digits, 16));
      // React Native's own Promise has it; the Promise of the bare engine does not.
      Promise.allSettled ??= (all) => Promise.all(all.map((one) => one.then(
        (value) => ({ status: 'fulfilled', value }),
        (reason) => ({ status: 'rejected', reason }),
      )));
      const codeOf = (promise) => promise.then(() => 'none', (error) => error.name + ' ' + error.code);
      (async () => {
        const classifier = createClassifier({ assets: { 'weights.bin': weights } });
        const begin = Date.now();
        await classifier.load();
        const load = Date.now() - begin;
        const lists = [];
        for (const face of ${FACES}) lists.push(await classifier.classify(face));
        lists.push(await classifier.classify(${FACES}[0], { box: { x: 3, y: 4.5, width: 40, height: 50, angle: 0.2 } }));
        lists.push(...(await classifier.classify(${FACES})));
        const codes = [
          await codeOf(classifier.classify([${FACES}[0], 7])),
          await codeOf(classify(${FACES}[0])),
          await codeOf(createClassifier({ assets: { 'weights.bin': weights.slice(1) } }).load()),
          await codeOf(createClassifier({ assets: { 'weights.bin': weights.map((code, k) => code ^ (k === 9)) } }).load()),
          await codeOf(classifier.classify('face.jpg')),
          await codeOf(classifier.classify({ data: new Uint8Array(3), width: 1, height: 1 })),
        ];
        const start = Date.now();
        for (let times = 0; times < 10; times++) await classifier.classify(${FACES}[1]);
        const milliseconds = { load, face: (Date.now() - start) / 10 };
        const without = [typeof WebAssembly, typeof URL, typeof TextEncoder, typeof crypto].join();
        print(JSON.stringify({ lists, codes, emotions: EMOTIONS, milliseconds, without }));
      })();`,
      { WEIGHTS: readFileSync(join(root, 'weights/weights.bin'), 'hex') },
    );
    const expected = await nodeJson<Answers['lists']>(
      'module',
      `import { classify } from 'fer-dcnn/lite';
      const lists = [];
      for (const face of ${FACES}) lists.push(await classify(face));
      lists.push(await classify(${FACES}[0], { box: { x: 3, y: 4.5, width: 40, height: 50, angle: 0.2 } }));
      lists.push(...(await classify(${FACES})));
      console.log(JSON.stringify(lists));`,
      folder,
    );
    console.log('milliseconds on Hermes:', answers.milliseconds);
    expect(answers.without).toBe('undefined,undefined,undefined,undefined');
    expect(answers.emotions).toEqual(['angry', 'happy', 'sad', 'neutral', 'surprised']);
    expect(answers.codes).toEqual(
      ['INPUT', 'WEIGHTS_UNREACHABLE', 'WEIGHTS_CORRUPT', 'WEIGHTS_CORRUPT', 'INPUT', 'SHAPE'].map(
        (code) => `FerError ${code}`,
      ),
    );
    expect(answers.lists).toHaveLength(5);
    answers.lists.forEach((list, face) => {
      expect(list.map(({ className }) => className)).toEqual(expected[face].map(({ className }) => className));
      list.forEach(({ probability }, i) => {
        expect(probability).toBeCloseTo(expected[face][i].probability, 5);
      });
    });
  });

  test.runIf(hermes && goldenFile)('its network gives the golden probabilities on Hermes', async () => {
    const { parameters, cases } = readGolden(goldenFile!);
    const probabilities = await onHermes<number[][][]>(
      'golden',
      `import { fallbacks } from ${JSON.stringify(resolve('src/network/fallbacks.ts'))};
      import { startNetwork } from ${JSON.stringify(resolve('src/network/network.ts'))};
      function noise(count, phase, of) {
        const values = new Float32Array(count);
        for (let i = 0; i < count; i++) {
          let h = (i + Math.imul(phase, 0x9e3779b9)) | 0;
          h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
          h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
          values[i] = of(((h ^ (h >>> 16)) >>> 0) / 2 ** 32);
        }
        return values;
      }
      (async () => {
        const network = await startNetwork(null, fallbacks);
        const answers = [];
        for (const { seed, batch } of CASES) {
          network.setWeights(PARAMETERS.map(({ size, amplitude }, i) => noise(size, i + 1 + 10 * seed, (x) => amplitude * (2 * x - 1))));
          const flat = await network.predict(noise(batch * 1024, 100 + seed, (x) => x), batch);
          answers.push(Array.from({ length: batch }, (_, face) => Array.from(flat.subarray(5 * face, 5 * face + 5))));
        }
        print(JSON.stringify(answers));
      })();`,
      {
        CASES: cases.map(({ seed, batch }) => ({ seed, batch })),
        PARAMETERS: parameters.map(({ shape, amplitude }) => ({ size: shape.reduce((a, b) => a * b), amplitude })),
      },
    );
    expect(probabilities).toHaveLength(cases.length);
    cases.forEach((expected, i) => {
      expect(probabilities[i]).toHaveLength(expected.batch);
      expected.probabilities.flat().forEach((value, k) => {
        expect(Math.abs(probabilities[i].flat()[k] - value)).toBeLessThan(1e-6);
      });
    });
  });
});

interface Answers {
  lists: { className: string; probability: number }[][];
  codes: string[];
  emotions: string[];
  milliseconds: { load: number; face: number };
  without: string;
}

/** The engine, or null, loudly, where its package has none for this machine. */
function hermesPath(): string | null {
  const names = { linux: 'linux64-bin/hermes', darwin: 'osx-bin/hermes', win32: 'win64-bin/hermes.exe' };
  const name = names[process.platform as keyof typeof names];
  if (name !== undefined) {
    const file = join(createRequire(import.meta.url).resolve('hermes-engine-cli/package.json'), '..', name);
    if (spawnSync(file, ['--version']).status === 0) return file;
  }
  console.warn('\n  !! SKIPPED: hermes-engine-cli has no engine for this machine; what needs Hermes is not tested.\n');
  return null;
}

/**
 * Bundles a program as Metro does, with the condition `react-native` and the syntax lowered by React Native's preset for
 * Babel, and runs it on Hermes. What it prints is JSON.
 */
async function onHermes<T>(name: string, program: string, globals: Record<string, unknown>): Promise<T> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder, sourcefile: `${name}.js` },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    target: 'esnext',
    conditions: ['react-native'],
    logLevel: 'error',
  });
  const lowered = transformSync(outputFiles[0].text, {
    presets: [[createRequire(import.meta.url).resolve('@react-native/babel-preset'), { enableBabelRuntime: false }]],
    filename: join(folder, `${name}.js`),
    babelrc: false,
    configFile: false,
    sourceType: 'script',
    compact: true,
  });
  const set = Object.entries(globals).map(([key, value]) => `var ${key} = ${JSON.stringify(value)};\n`);
  const file = join(folder, `${name}.hermes.js`);
  writeFileSync(file, `${set.join('')}${lowered!.code}`);
  const { code, stdout, stderr } = await runProgram(hermes!, ['-O', '-w', file], folder);
  if (code !== 0 || stderr !== '') throw new Error(`exit code ${code}: ${stderr.slice(0, 2000)}${stdout}`);
  return JSON.parse(stdout) as T;
}
