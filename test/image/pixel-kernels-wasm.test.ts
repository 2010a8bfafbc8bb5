import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { NIGHT, nightTest } from '../night.js';

// `npm test` has just built them; this finds sources that were changed without a build.
let folder: string | undefined;
beforeAll(() => {
  if (!NIGHT) return;
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-'));
  for (const room of ['image', 'tfjs/train']) mkdirSync(join(folder, room), { recursive: true });
  const { status, stderr } = spawnSync(process.execPath, ['src/image/assembly/build.mjs', folder], {
    encoding: 'utf8',
  });
  if (status !== 0 || stderr !== '') throw new Error(`the build of the kernels ended with ${status}: ${stderr}`);
});
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

nightTest.each(['image/pixel-kernels-wasm.ts', 'tfjs/train/augment-kernels-wasm.ts'])(
  'the module in src/%s is the one that its assembly makes',
  (file) => {
    expect(readFileSync(join('src', file), 'utf8')).toBe(readFileSync(join(folder!, file), 'utf8'));
  },
);
