import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedLicences } from './licences.mjs';

/*
 * The bill of materials of an installation, with peers and optional packages, in CycloneDX, by `npm sbom`.
 * `npm sbom --omit=dev` alone leaves out packages that development dependencies need too (commander), and all peers. So it
 * gets a lockfile with only the packages that ship.
 */
const { name, version, license, dependencies, peerDependencies, peerDependenciesMeta } = read('package.json');
const lock = read('package-lock.json');
const root = { name, version, license, dependencies, peerDependencies, peerDependenciesMeta };
const packages = { '': root };
for (const path of shippedLicences(lock).keys()) {
  const { dev: _, devOptional: __, ...shipped } = lock.packages[path];
  packages[path] = shipped;
}

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-sbom-'));
try {
  write('package.json', root);
  write('package-lock.json', { name, version, lockfileVersion: lock.lockfileVersion, requires: true, packages });
  process.stdout.write(
    execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function read(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function write(file, value) {
  writeFileSync(join(folder, file), JSON.stringify(value));
}
