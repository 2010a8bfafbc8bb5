import { defineConfig, type Options } from 'tsup';

const entry = {
  index: 'src/index.ts',
  weights: 'src/weights/index.ts',
  kernels: 'src/kernels/index.ts',
};

const nodeEntry = { ...entry, node: 'src/node/index.ts', standalone: 'src/standalone.ts' };

const shared: Options = {
  target: 'es2022',
  // Shared code lies in chunks, so that all entries of one format have one FerError and one backend in use.
  splitting: true,
  treeshake: false,
  sourcemap: false,
  clean: false,
  // It comes as ESM alone, which `require` in Node 20.0 to 20.18 does not take.
  noExternal: ['image-meta'],
};

/**
 * The same sources three times: `#runtime` (package.json `imports`) is what differs between Node and browsers; the
 * standalone build has TF.js inside, for pages without a bundler. Every output lies two folders deep, as the sources do:
 * `new URL('../../dist/wasm/...', import.meta.url)` is right in all of them.
 */
export default defineConfig([
  {
    ...shared,
    entry: { ...nodeEntry, cli: 'src/cli/index.ts', 'gradient-worker': 'src/node/gradient-worker.ts' },
    outDir: 'dist/node',
    format: ['esm'],
    platform: 'node',
  },
  {
    // The types for both; scripts/esm-to-cjs.mjs makes the CommonJS code.
    ...shared,
    entry: nodeEntry,
    outDir: 'dist/node',
    format: ['esm', 'cjs'],
    dts: { only: true },
  },
  { ...shared, entry, outDir: 'dist/browser', format: ['esm'], platform: 'browser' },
  {
    ...shared,
    entry: { index: 'src/standalone.ts' },
    outDir: 'dist/standalone',
    format: ['esm'],
    platform: 'browser',
    noExternal: [/^(?!@tensorflow\/tfjs-backend-web)/],
    minify: true,
  },
]);
