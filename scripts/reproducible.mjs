import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Builds and packs twice, and compares: the same commit must give the same tarball, so that anyone can check the
 * published package. Prints its sha512.
 */
const first = builtAndPacked();
const second = builtAndPacked();
console.log(first);
if (first !== second) {
  console.error(`a second build packs to other bytes: ${second}`);
  process.exitCode = 1;
}

function builtAndPacked() {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-pack-'));
  try {
    npm('run', '--silent', 'build');
    return JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder))[0].integrity;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function npm(...args) {
  const shell = process.platform === 'win32';
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], shell });
}
