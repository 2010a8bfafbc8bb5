import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { brotliCompressSync, constants } from 'node:zlib';
import { build, type OutputFile } from 'esbuild';
import { describe, expect, inject, test } from 'vitest';
import { pretrained } from '../../src/tfjs/model/pretrained.js';
import { nodeJson, runNode } from './run-node.js';

const { folder } = inject('consumer');
const root = join(folder, 'node_modules/fer-dcnn');
const bytesOf = (path: string) => new Uint8Array(readFileSync(join(root, path)));

/** The size of a file of the package, compressed. */
const compressedFile = (path: string) => compressed(bytesOf(path));

/** The same of weights, at a quality that takes a tenth of the time: a tenth more bytes, so limits hold all the more. */
const compressedWeights = (path: string) =>
  brotliCompressSync(bytesOf(path), { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).length;

describe('fer-dcnn/lite, packed', () => {
  test.each(['dist/node/lite.js', 'dist/node/lite.cjs', 'dist/browser/lite.js', 'dist/standalone/lite.js'])(
    '%s imports nothing of TF.js, near or far, now or later',
    (entry) => {
      const { files, packages } = importsOf(entry);
      expect(files.length).toBeGreaterThan(entry.includes('standalone') ? 0 : 3);
      expect(
        [...packages].filter(
          (name) => !/^(node:|@noble\/hashes|sharp$|@cornerstonejs\/codec-libjpeg-turbo)/.test(name),
        ),
      ).toEqual([]);
      // Not by way of a bundled copy either.
      for (const file of files) expect(readFileSync(join(root, file), 'utf8')).not.toMatch(/tfjs-core|registerKernel/);
    },
  );

  test.each(['module', 'commonjs'] as const)(
    'classifies in Node as %s, with the errors of the main entry',
    async (type) => {
      const load = (name: string) => (type === 'module' ? `await import('${name}')` : `require('${name}')`);
      const { list, expected, same } = await nodeJson<Record<string, unknown>>(
        type,
        `(async () => {
        const face = { data: new Uint8Array(2304).map((_, i) => i * 3), width: 48, height: 48, channels: 1 };
        const lite = ${load('fer-dcnn/lite')};
        const list = await lite.classify(face);
        const main = ${load('fer-dcnn')};
        const expected = await main.classify(face);
        console.log(JSON.stringify({ list, expected, same: lite.FerError === main.FerError }));
      })();`,
        folder,
      );
      expect(list).toEqual(expected);
      expect(same).toBe(true);
    },
  );

  test('classifies where there is neither fetch nor a file system nor a URL of the module', async () => {
    const [{ text }] = await bundle('iife');
    const context = createContext({ WebAssembly, setTimeout });
    runInContext(text, context);
    context.options = {
      assets: {
        'weights.bin': bytesOf('weights/weights.bin'),
        'network-simd.wasm': bytesOf('dist/wasm/network-simd.wasm'),
      },
    };
    const list = (await runInContext(
      `lite.createClassifier(options).classify({ data: new Uint8Array(1024), width: 32, height: 32, channels: 1 })`,
      context,
    )) as { probability: number }[];
    expect(list.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    await expect(
      runInContext(`lite.classify({ data: new Uint8Array(1), width: 1, height: 1, channels: 1 })`, context),
    ).rejects.toMatchObject({
      code: 'WASM_UNREACHABLE',
    });
  });

  test('gives the same answer with and without WebAssembly', async () => {
    const [{ text }] = await bundle('iife');
    const face = '{ data: new Uint8Array(1024).map((_, i) => i * 5), width: 32, height: 32, channels: 1 }';
    const answers = [];
    for (const without of ['', 'delete globalThis.WebAssembly']) {
      const context = createContext({ setTimeout });
      runInContext(without, context);
      runInContext(text, context);
      context.options = {
        assets: {
          'weights.bin': bytesOf('weights/weights.bin'),
          'network-simd.wasm': bytesOf('dist/wasm/network-simd.wasm'),
        },
      };
      const list = await runInContext(`lite.createClassifier(options).classify(${face})`, context);
      answers.push(list as { className: string; probability: number }[]);
      // The error says that the weights are missing.
      await expect(
        runInContext(
          `lite.createClassifier({ assets: { 'network-simd.wasm': options.assets['network-simd.wasm'] } }).load()`,
          context,
        ),
      ).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    }
    const [expected, plain] = answers;
    expect(plain.map(({ className }) => className)).toEqual(expected.map(({ className }) => className));
    plain.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(expected[i].probability, 5);
    });
  });

  test('answers in Node without WebAssembly (--jitless)', async () => {
    const program = `import { classify } from 'fer-dcnn/lite';
      const face = { data: new Uint8Array(2304).map((_, i) => i * 3), width: 48, height: 48, channels: 1 };
      console.log(JSON.stringify({ list: await classify(face), engine: typeof WebAssembly }));`;
    const [usual, jitless] = await Promise.all(
      [[], ['--jitless']].map(async (flags) => {
        const run = await runNode([...flags, '--input-type=module', '--eval', program], folder);
        expect(run.code, run.stderr).toBe(0);
        return JSON.parse(run.stdout) as { list: { className: string; probability: number }[]; engine: string };
      }),
    );
    expect([usual.engine, jitless.engine]).toEqual(['object', 'undefined']);
    expect(jitless.list.map(({ className }) => className)).toEqual(usual.list.map(({ className }) => className));
    jitless.list.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(usual.list[i].probability, 5);
    });
  });

  /** What a browser downloads before the first answer, compressed with brotli. */
  test('is not larger than documented', async () => {
    // Everything is in one file, except the code for rare pictures: PNGs with alpha or of 16 bits, and later frames.
    const files = await bundle('esm');
    expect(files).toHaveLength(2);
    const rare = files.find(({ path }) => /own-decoders/.test(path))!;
    const all = files.find((file) => file !== rare)!;
    expect(compressed(rare.contents)).toBeLessThan(2200);
    expect(rare.text).not.toMatch(/\bimport\(/);
    expect(all.text.match(/\bimport\(/g)).toHaveLength(1);
    const [script] = await bundle('esm', '{ classify }');
    const wasm = ['relaxed', 'simd', 'scalar'].map((name) => compressedFile(`dist/wasm/network-${name}.wasm`));
    const code = compressed(script.contents) + Math.max(...wasm);
    expect(code).toBeLessThan(24_000);
    const weights = compressedWeights('weights/weights.bin');
    if (pretrained.metrics === undefined) {
      console.warn('\n  !! SKIPPED: the weights are a placeholder of random numbers; their size says nothing.\n');
      return;
    }
    expect(code + weights).toBeLessThan(380_000);
  });

  test('finds, classifies and tracks faces in less than 680 KB, all together', async () => {
    const [script] = await bundle('esm', '{ blazeFaceDetector, classifyFaces, createTracker }');
    const wasm = (family: string) =>
      Math.max(...['relaxed', 'simd', 'scalar'].map((name) => compressedFile(`dist/wasm/${family}-${name}.wasm`)));
    const weights = compressedWeights('dist/faces/blazeface.bin') + compressedWeights('weights/weights.bin');
    expect(compressed(script.contents) + wasm('network') + wasm('faces') + weights).toBeLessThan(680_000);
  });
});

function compressed(bytes: Uint8Array): number {
  return brotliCompressSync(bytes).length;
}

async function bundle(format: 'iife' | 'esm', names = '*'): Promise<OutputFile[]> {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from 'fer-dcnn/lite'`, resolveDir: folder, sourcefile: 'main.js' },
    bundle: true,
    minify: true,
    splitting: format === 'esm',
    format,
    globalName: format === 'iife' ? 'lite' : undefined,
    outdir: 'out',
    entryNames: 'main',
    write: false,
    platform: 'browser',
    logLevel: 'error',
    // In the form that bundlers for engines without modules write.
    define: format === 'iife' ? { 'import.meta.url': 'undefined' } : {},
  });
  return outputFiles!;
}

/** The files of the package that an entry reaches, by import, import() and require, and the packages outside it. */
function importsOf(entry: string) {
  const files: string[] = [];
  const packages = new Set<string>();
  const waiting = [entry];
  while (waiting.length > 0) {
    const file = waiting.pop()!;
    if (files.includes(file)) continue;
    files.push(file);
    const source = readFileSync(join(root, file), 'utf8');
    const named = source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\(\s*)(["'`])([\w@.:/-]+)\1/g);
    for (const [, , name] of named) {
      if (name.startsWith('.')) waiting.push(join(dirname(file), name));
      else if (/^(node:)?(fs|path|url|worker_threads|os|module)(\/|$)/.test(name)) packages.add(`node:${name}`);
      else packages.add(name);
    }
  }
  return { files, packages };
}
