import { spawn } from 'node:child_process';

/*
 * Compiles the AssemblyScript of every room to WebAssembly, in parallel, because one compiler uses one core.
 */
const BUILDS = ['tfjs/kernels', 'network', 'image', 'faces'].map((room) => `src/${room}/assembly/build.mjs`);

const codes = await Promise.all(
  BUILDS.map(
    (build) =>
      new Promise((resolve, reject) => {
        spawn(process.execPath, [build], { stdio: 'inherit' }).on('error', reject).on('close', resolve);
      }),
  ),
);
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
