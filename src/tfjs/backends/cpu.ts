import { quietCpu } from './quiet-cpu.js';
import { startTfjs } from './start-tfjs.js';
import type { Backend } from './types.js';

/** TF.js's plain JavaScript backend: runs everywhere, some 20 times slower than `wasm`. */
export function cpuBackend(): Backend {
  return {
    name: 'cpu',
    async start() {
      await startTfjs('cpu');
      quietCpu();
    },
  };
}
