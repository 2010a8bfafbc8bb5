/*
 * Runs TF.js's own specs on one backend and writes a line of JSON for each. `scripts/tfjs-specs.mjs` bundles it with the
 * sources of the installed TF.js, so that specs, backend and kernels share one engine.
 */
import { writeSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util.js';
import jasmineCore from 'jasmine-core';
import { registerTrainingKernels } from '../../src/kernels.ts';

const { path, wasm, only = '' } = JSON.parse(process.env.TFJS_SPECS);

const jasmine = jasmineCore.boot();
setWasmPaths(wasm);
// What the wasm backend lacks must not be found on another.
if (path !== 'cpu') tf.removeBackend('cpu');
if (path !== 'cpu' && path !== 'plain') {
  const taken = await registerTrainingKernels({ path });
  if (taken.path !== path) throw new Error(`the kernels are on ${taken.path} instead of ${path}: ${taken.reason}`);
}
setTestEnvs([{ name: 'test', backendName: path === 'cpu' ? 'cpu' : 'wasm', isDataSync: true }]);
// Jasmine asks where each of some 4,000 specs is declared: an eighth of the time of the gradients' specs.
const { stackTraceLimit } = Error;
Error.stackTraceLimit = 0;
await import('@tensorflow/tfjs-core/dist/tests.js');
Error.stackTraceLimit = stackTraceLimit;

const env = jasmine.getEnv();
env.configure({ random: false, specFilter: (spec) => spec.getFullName().includes(only) });
env.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    if (status === 'excluded' || status === 'pending') return;
    write({ name: nameOf(fullName), status, message: failedExpectations[0]?.message });
  },
});
await env.execute();
write({ done: true });
process.exit(0);

/** Without the mark of the environment that TF.js writes into every name. */
function nameOf(fullName) {
  return fullName.replace(' test {} ', ': ');
}

function write(line) {
  writeSync(1, `@spec ${JSON.stringify(line)}\n`);
}
