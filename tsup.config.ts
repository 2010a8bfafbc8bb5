import { readFileSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';

const entry = {
  index: 'src/index.ts',
  weights: 'src/weights.ts',
  kernels: 'src/kernels.ts',
  lite: 'src/lite.ts',
};

const nodeEntry = { ...entry, node: 'src/node.ts', queue: 'src/queue.ts', standalone: 'src/standalone.ts' };

const shared: Options = {
  target: 'es2022',
  // Shared code lies in chunks, so that all entries of one format have one FerError and one backend in use.
  splitting: true,
  treeshake: false,
  sourcemap: false,
  clean: false,
  // Built-in modules keep their prefix: nobody takes 'crypto' for a package.
  removeNodeProtocol: false,
  // Of protobufjs, 4 MB, a little is used.
  noExternal: [/^protobufjs/],
};

/** Vega lies in a file of its own, once for ESM and CommonJS: Node imports CommonJS from both. */
const vegaApart: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'vega-apart',
  setup(build) {
    build.onResolve({ filter: /\/vega-svg\.js$/ }, () => ({ path: './vega-svg.cjs', external: true }));
  },
};

/**
 * Each module whose names `fer-dcnn` exports, as an entry of its own: its index is re-exports alone then, and a bundle has
 * of it what it uses. TF.js above all, which `buildModel` imports.
 */
function publicModules(): Record<string, string> {
  const index = readFileSync('src/index.ts', 'utf8');
  const paths = [...index.matchAll(/^export \{[^}]*\} from '\.\/([^']+)\.js'/gm)].map(([, path]) => path);
  return Object.fromEntries(paths.map((path) => [path.replaceAll('/', '-'), `src/${path}.ts`]));
}

/** The address of a classic script, or of the classic worker that loads it. */
const CLASSIC_ADDRESS =
  'var ferDcnnAddress = typeof document === "object" && document.currentScript ? document.currentScript.src : typeof location === "object" ? location.href : undefined;';

/**
 * Leaves out `import './chunk.js'`, which esbuild adds for the order of evaluation: nothing runs at import here, and some
 * bundlers would keep the chunk, with TF.js behind it, for that line alone.
 */
const withoutBareImports: NonNullable<Options['plugins']>[number] = {
  name: 'without-bare-imports',
  renderChunk: (code) => ({ code: code.replace(/^import "\.\/[\w-]+\.js";\n/gm, '') }),
};

/**
 * The same sources three times: `#runtime` (package.json `imports`) is what differs between Node and browsers; the
 * standalone build has TF.js inside, for pages without a bundler. Every output lies two folders deep, as the sources do:
 * `new URL('../../dist/wasm/...', import.meta.url)` is right in all of them.
 */
export default defineConfig([
  {
    ...shared,
    entry: {
      ...nodeEntry,
      cli: 'src/cli/index.ts',
      'gradient-worker': 'src/gradient-worker.ts',
      'classifier-worker': 'src/pool/classifier-worker.ts',
      'decode-process': 'src/decode-process.ts',
    },
    outDir: 'dist/node',
    format: ['esm'],
    platform: 'node',
    esbuildPlugins: [vegaApart],
  },
  {
    ...shared,
    entry: { 'vega-svg': 'src/report/vega-svg.ts' },
    outDir: 'dist/node',
    format: ['cjs'],
    // Without the file and network access that Vega's build for Node has.
    platform: 'browser',
    splitting: false,
    // As ESM alone, with some 80 packages below it: built in, it is 0.8 MB in place of 24.
    noExternal: ['vega', 'vega-lite'],
    minify: true,
    // How Node's import() learns what CommonJS exports.
    footer: { js: '0 && (module.exports = { vegaSvg });' },
  },
  {
    // The types for both; scripts/esm-to-cjs.mjs makes the CommonJS code. `tsc -p tsconfig.types.json` wrote them file by file: to
    // derive them from the sources would take tsup five times as long.
    ...shared,
    entry: Object.fromEntries(Object.keys(nodeEntry).map((name) => [name, `.types/${name}.d.ts`])),
    outDir: 'dist/node',
    format: ['esm', 'cjs'],
    dts: { only: true },
  },
  {
    ...shared,
    entry: { ...publicModules(), ...entry },
    outDir: 'dist/browser',
    format: ['esm'],
    platform: 'browser',
    plugins: [withoutBareImports],
  },
  {
    // For Hermes, which knows neither import.meta nor, without a bundler's help, import(): one file, all inside.
    ...shared,
    entry: { lite: 'src/lite.ts' },
    outDir: 'dist/react-native',
    format: ['esm'],
    platform: 'neutral',
    splitting: false,
    noExternal: [/./],
    esbuildOptions(options) {
      options.conditions = ['react-native'];
      options.define = { ...options.define, 'import.meta.url': 'undefined' };
    },
  },
  // Self-contained, for pages without a bundler: a file of everything, and one of fer-dcnn/lite. What the source loads by
  // import() lies inside and is evaluated when it is asked for.
  ...(['esm', 'iife'] as const).map(
    (format): Options => ({
      ...shared,
      entry: { [format === 'iife' ? 'fer-dcnn' : 'index']: 'src/standalone.ts', lite: 'src/lite.ts' },
      outDir: 'dist/standalone',
      format: [format],
      platform: 'browser',
      splitting: false,
      noExternal: [/./],
      minify: true,
      globalName: 'ferDcnn',
      outExtension: () => ({ js: format === 'iife' ? '.global.js' : '.js' }),
      esbuildOptions(options) {
        // A classic script knows its own address while it is run; module workers have no document.
        if (format === 'iife') options.define = { ...options.define, 'import.meta.url': 'ferDcnnAddress' };
      },
      banner: format === 'iife' ? { js: CLASSIC_ADDRESS } : {},
    }),
  ),
]);
