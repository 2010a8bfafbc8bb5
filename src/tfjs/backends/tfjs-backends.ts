import type { BackendFactory } from '../../classify/backend.js';
import { cpuBackend } from './cpu.js';
import { tensorflowBackend } from './tensorflow.js';
import { wasmBackend } from './wasm.js';
import { webglBackend } from './webgl.js';
import { webgpuBackend } from './webgpu.js';

/** The backends of TF.js, by name. */
export const tfjsBackends: Readonly<Record<string, BackendFactory>> = {
  wasm: wasmBackend,
  cpu: cpuBackend,
  webgl: webglBackend,
  webgpu: webgpuBackend,
  tensorflow: tensorflowBackend,
};
