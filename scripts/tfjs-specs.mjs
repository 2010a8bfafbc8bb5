import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

/*
 * Runs the specs of the installed TF.js on its wasm backend with the training kernels:
 *
 *     npm run test:tfjs -- [path ...] [--only 'part of a name']
 *
 * A path is `composed`, `simd` or `relaxed-simd`; `plain` is the backend without the kernels and `cpu` the reference.
 * Fails if a spec fails that `test/tfjs/exceptions.json` does not list, if a listed spec passes or no longer exists, or if
 * fewer specs run than TF.js has.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const exceptions = JSON.parse(readFileSync('test/tfjs/exceptions.json', 'utf8'));
const RELAXED_SINCE = 22;
const everyPath = ['composed', 'simd'];
if (Number.parseInt(process.versions.node, 10) >= RELAXED_SINCE) everyPath.push('relaxed-simd');

const require = createRequire(import.meta.url);
const core = dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
const wasm = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
// Two folders deep, as the sources are: so that the kernels find dist/wasm.
const program = 'runs/tfjs-specs/program.mjs';
await bundle();

for (const path of positionals.length > 0 ? positionals : everyPath) {
  const { results, errors, exit } = await run(path);
  const faults = faultsOf(results, path);
  if (exit !== 0) faults.push(`the specs ended with exit code ${exit}\n${errors}`);
  const failed = results.filter(({ status }) => status === 'failed').length;
  const gradients = results.filter(({ name }) => /grad|derivative/i.test(name));
  const trained = gradients.filter(({ status }) => status === 'passed').length;
  for (const fault of faults) console.error(`${path}: ${fault}`);
  console.log(
    `${path}: ${results.length - failed} passed, ${failed} failed of ${results.length} specs; ` +
      `${trained} of ${gradients.length} with gradients passed; ${faults.length} faults`,
  );
  if (faults.length > 0) process.exitCode = 1;
}

/** Bundles the specs, the backend and the kernels with one copy of TF.js's core, from its sources, because specs import them. */
async function bundle() {
  await build({
    entryPoints: ['test/tfjs/program.mjs'],
    outfile: program,
    bundle: true,
    // TF.js declares its specs as free of side effects.
    ignoreAnnotations: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    external: ['jasmine-core', 'node-fetch', 'jasmine'],
    logLevel: 'error',
    banner: {
      js: [
        "import { createRequire as bannerRequire } from 'node:module';",
        "import { fileURLToPath as bannerPath } from 'node:url';",
        'const require = bannerRequire(import.meta.url), __filename = bannerPath(import.meta.url);',
        "const __dirname = bannerPath(new URL('.', import.meta.url));",
      ].join('\n'),
    },
    plugins: [
      {
        name: 'one-core',
        setup({ onResolve }) {
          onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, () => ({ path: join(core, 'dist/index.js') }));
        },
      },
    ],
  });
}

async function run(path) {
  const options = { path, wasm: join(wasm, 'wasm-out/'), only: values.only };
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, TFJS_SPECS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const results = [];
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('@spec ')) continue;
    const result = JSON.parse(line.slice(6));
    if (result.done) done = true;
    else results.push(result);
  }
  const code = await closed;
  return { results, errors, exit: code === 0 && !done ? 'unfinished' : code };
}

function faultsOf(results, path) {
  const faults = [];
  const byName = new Map(results.map((result) => [result.name, result]));
  const excepted = new Set();
  for (const { specs, paths = everyPath } of exceptions.mayFail) {
    for (const spec of paths.includes(path) ? specs : []) {
      excepted.add(spec);
      if (values.only === undefined && !byName.has(spec)) faults.push(`stale: unknown spec: ${spec}`);
      if (byName.get(spec)?.status === 'passed') faults.push(`stale: passes by now: ${spec}`);
    }
  }
  for (const { name, status, message = '' } of results) {
    if (status === 'failed' && !excepted.has(name)) faults.push(`${name}: ${message.slice(0, 200)}`);
  }
  const expected = values.only === undefined ? exceptions.specs : 1;
  if (results.length < expected) faults.push(`${results.length} specs ran, at least ${expected} were expected`);
  return faults;
}
