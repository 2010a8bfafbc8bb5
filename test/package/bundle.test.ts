import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { nightTest } from '../night.js';

const { folder } = inject('consumer');
const root = join(folder, 'build-model-only');
/** A run of bytes of the weights, as a bundler would write it. */
const ANY_BASE64 = /[A-Za-z0-9+/]{20000}/;

beforeAll(() => {
  mkdirSync(root, { recursive: true });
  writeFileSync(
    join(root, 'main.js'),
    `import { buildModel } from 'fer-dcnn'; console.log(buildModel().countParams());`,
  );
  writeFileSync(join(root, 'index.html'), '<script type="module" src="./main.js"></script>');
});

describe('a program that imports buildModel alone', () => {
  test('contains no byte of the weights and no code that loads them, by esbuild', async () => {
    const { outputFiles, warnings } = await esbuild({
      absWorkingDir: root,
      entryPoints: ['main.js'],
      bundle: true,
      splitting: true,
      format: 'esm',
      outdir: 'out',
      write: false,
    });
    expect(warnings).toEqual([]);
    for (const { text } of outputFiles) expect(text).not.toMatch(ANY_BASE64);
    // esbuild writes a file for every import(), reached or not; the program's own file must not lead there.
    const main = outputFiles.find(({ path }) => path.endsWith('main.js'))!;
    expect(main.text).not.toMatch(/weights\.bin|import\(["']\.\/weights/);
  });

  nightTest('gets no byte of the weights in its code, nor a way to load them, from Vite', async () => {
    const built = await vite({ root, configFile: false, logLevel: 'error', build: { write: false } });
    const { output } = Array.isArray(built) ? built[0] : (built as Exclude<typeof built, { close(): unknown }>);
    const chunks = output.filter((file) => file.type === 'chunk');
    expect(chunks.length).toBeGreaterThan(0);
    for (const { code } of chunks) {
      expect(code).not.toMatch(/weights-[\w-]+\.bin/);
      expect(code).not.toMatch(ANY_BASE64);
    }
  });
});

describe('a program that imports classify alone', () => {
  /** Compressed with brotli, without what it loads by import(): TF.js, where a Layers model or a backend of it is asked for. */
  test('gets at most 22 KB of JavaScript from esbuild, and no TF.js', async () => {
    writeFileSync(join(root, 'classify.js'), "import { classify } from 'fer-dcnn'; console.log(classify);");
    const { outputFiles, metafile } = await esbuild({
      absWorkingDir: root,
      entryPoints: ['classify.js'],
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      outdir: 'out',
      write: false,
      metafile: true,
    });
    const reached = new Set<string>();
    const reach = (file: string) => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const { path, kind } of metafile.outputs[file].imports) if (kind === 'import-statement') reach(path);
    };
    reach('out/classify.js');
    const inputs = [...reached].flatMap((file) => Object.keys(metafile.outputs[file].inputs));
    expect(inputs.filter((file) => /@tensorflow/.test(file))).toEqual([]);
    const scripts = outputFiles.filter(({ path }) => reached.has(relative(root, path)));
    expect(scripts).toHaveLength(reached.size);
    const size = scripts.reduce((sum, { contents }) => sum + brotliCompressSync(contents).length, 0);
    expect(size).toBeLessThan(22 * 1024);
  });

  test('gets no TF.js in its first chunk from Vite', async () => {
    writeFileSync(join(root, 'index.html'), '<script type="module" src="./classify.js"></script>');
    const built = await vite({ root, configFile: false, logLevel: 'error', build: { write: false } });
    const { output } = Array.isArray(built) ? built[0] : (built as Exclude<typeof built, { close(): unknown }>);
    const chunks = output.filter((file) => file.type === 'chunk');
    const reached = new Set<string>();
    const reach = (name: string) => {
      if (reached.has(name)) return;
      reached.add(name);
      chunks.find(({ fileName }) => fileName === name)!.imports.forEach(reach);
    };
    reach(chunks.find(({ isEntry }) => isEntry)!.fileName);
    const loaded = chunks.filter(({ fileName }) => reached.has(fileName));
    expect(loaded.flatMap(({ moduleIds }) => moduleIds).filter((id) => /@tensorflow/.test(id))).toEqual([]);
    const size = loaded.reduce((sum, { code }) => sum + brotliCompressSync(code).length, 0);
    expect(size).toBeLessThan(22 * 1024);
  });
});

describe('a bundle for Node with only sharp external, in a read-only folder', () => {
  test.each(['esm', 'cjs'] as const)(
    'by esbuild from %s: names the missing files, and accepts them by assets',
    async (from) => {
      const out = join(root, `lambda-${from}`);
      mkdirSync(join(out, 'binaries'), { recursive: true });
      const load =
        from === 'esm'
          ? "import { classify, useBackend } from 'fer-dcnn';"
          : "const { classify, useBackend } = require('fer-dcnn');";
      await esbuild({
        stdin: {
          contents: `${load}
          const face = { data: new Uint8Array(2304).map((_, i) => i * 3), width: 48, height: 48, channels: 1 };
          (async () => {
            const without = await useBackend('simd').then(() => 'started', ({ code, message }) => code + ' ' + message);
            await useBackend('simd', { assets: __dirname + '/binaries' });
            console.log(JSON.stringify({ without, list: await classify(face) }));
          })();`,
          resolveDir: folder,
        },
        bundle: true,
        platform: 'node',
        format: 'cjs',
        external: ['sharp'],
        outfile: join(out, 'index.cjs'),
        logLevel: 'error',
        logOverride: { 'empty-import-meta': 'silent' },
      });
      const installed = join(folder, 'node_modules/fer-dcnn');
      for (const build of ['relaxed', 'simd', 'scalar']) {
        cpSync(join(installed, `dist/wasm/network-${build}.wasm`), join(out, `binaries/network-${build}.wasm`));
      }
      cpSync(join(installed, 'weights/weights.bin'), join(out, 'binaries/weights.bin'));
      chmodSync(join(out, 'binaries'), 0o555);
      chmodSync(out, 0o555);
      const { without, list } = JSON.parse(
        execFileSync(process.execPath, [join(out, 'index.cjs')], { cwd: '/', encoding: 'utf8' }),
      );
      expect(without).toMatch(/^WASM_UNREACHABLE network-\w+\.wasm is not at .*assets/);
      expect(list).toHaveLength(5);
    },
  );
});
