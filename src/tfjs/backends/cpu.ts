import type { Backend } from '../../classify/backend.js';
import { quietCpu, registerCpu } from './register-cpu.js';
import { startTfjs } from './start-tfjs.js';

/** TF.js's plain JavaScript backend: runs everywhere, about 20 times slower than `wasm`. */
export function cpuBackend(): Backend {
  return {
    name: 'cpu',
    async start() {
      registerCpu();
      await startTfjs('cpu');
      quietCpu();
    },
  };
}
