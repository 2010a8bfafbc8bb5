import { defineConfig, type Options } from 'tsup';

const entry = {
  index: 'src/index.ts',
  weights: 'src/weights/index.ts',
  kernels: 'src/kernels/index.ts',
};

const shared: Options = { target: 'es2022', splitting: true, treeshake: false, sourcemap: false, clean: false };

/** The same sources twice: `#runtime` (package.json `imports`) is what differs between Node and browsers. */
export default defineConfig([
  {
    ...shared,
    entry: { ...entry, node: 'src/node/index.ts' },
    outDir: 'dist/node',
    format: ['esm', 'cjs'],
    platform: 'node',
    shims: true,
    dts: true,
  },
  {
    ...shared,
    entry: { cli: 'src/cli/index.ts' },
    outDir: 'dist/node',
    format: ['esm'],
    platform: 'node',
    // The command line runs the published entry points, not a second copy of them.
    external: [/^fer-dcnn/],
  },
  { ...shared, entry, outDir: 'dist/browser', format: ['esm'], platform: 'browser' },
]);
