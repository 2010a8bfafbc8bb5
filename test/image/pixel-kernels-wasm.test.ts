import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the module in the sources is the one that its assembly makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-'));
  const made = join(folder, 'made.ts');
  const { status, stderr } = spawnSync(process.execPath, ['src/image/assembly/build.mjs', made], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(readFileSync('src/image/pixel-kernels-wasm.ts', 'utf8')).toBe(readFileSync(made, 'utf8'));
  rmSync(folder, { recursive: true });
});
