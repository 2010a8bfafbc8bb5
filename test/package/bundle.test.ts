import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { beforeAll, describe, expect, inject, test } from 'vitest';

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
  test('gets no byte of the weights, nor a way to load them, from esbuild', async () => {
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

  test('gets no byte of the weights in its code, nor a way to load them, from Vite', async () => {
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
