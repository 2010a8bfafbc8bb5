import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
// @ts-expect-error a script, without types
import { isAllowed, refusedLicences, shippedLicences } from '../../scripts/licences.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

describe('licences', () => {
  test('of all packages that an installation can bring are in the list of allowed licences', () => {
    const found = shippedLicences(lock) as Map<string, string>;
    expect(found.size).toBeGreaterThan(50);
    for (const name of ['sharp', '@tensorflow/tfjs-core', 'long', 'msgpackr']) {
      expect(
        [...found.keys()].some((path) => path.endsWith(`node_modules/${name}`)),
        name,
      ).toBe(true);
    }
    expect(refusedLicences(lock)).toEqual([]);
  });

  test.each([
    ['MIT', 'x', true],
    ['(MIT OR GPL-3.0-only)', 'x', true],
    ['MIT AND GPL-3.0-only', 'x', false],
    ['LGPL-3.0-or-later', '@img/sharp-libvips-linux-x64', true],
    ['LGPL-3.0-or-later', 'x', false],
    [undefined, 'x', false],
    ['SEE LICENSE IN LICENSE', 'x', false],
  ])('%s of %s may ship: %s', (licence, name, expected) => {
    expect(isAllowed(licence, name)).toBe(expected);
  });

  test('a copyleft package below a dependency is found', () => {
    const made = structuredClone(lock);
    made.packages['node_modules/commander'].dependencies = { viral: '^1' };
    made.packages['node_modules/viral'] = { version: '1.0.0', license: 'AGPL-3.0-only' };
    expect(refusedLicences(made)).toEqual(['viral: AGPL-3.0-only']);
  });
});

describe('docs/dependencies.md', () => {
  const [shipped] = readFileSync('docs/dependencies.md', 'utf8').split('## Development');
  /** What the first column names, by whether it is a peer, optional, or bundled. */
  const rows = shipped
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, first, reason, licence]) => ({
      names: [...first.matchAll(/`([^`]+)`/g)].map((m) => m[1]),
      first,
      reason,
      licence,
    }));
  const named = (kind: RegExp) => rows.filter(({ first }) => kind.test(first)).flatMap(({ names }) => names);

  test('has a row with a reason and a licence for each dependency, and none for what is not one', () => {
    expect(named(/^[^(]*$/).sort()).toEqual(Object.keys(manifest.dependencies).sort());
    const peers = rows.filter(({ first }) => /peers?\)/.test(first)).flatMap(({ names }) => names);
    expect(peers.sort()).toEqual(Object.keys(manifest.peerDependencies).sort());
    for (const { names, reason, licence } of rows) {
      expect(reason.length, names.join()).toBeGreaterThan(5);
      expect(licence.length, names.join()).toBeGreaterThan(2);
    }
  });

  test('says which peers are optional', () => {
    const optional = Object.entries<{ optional?: boolean }>(manifest.peerDependenciesMeta);
    expect(named(/optional peers?\)/).sort()).toEqual(
      optional
        .filter(([, meta]) => meta.optional)
        .map(([name]) => name)
        .sort(),
    );
  });
});

describe('the lockfile', () => {
  test('has a checksum for each package, also those of other platforms, and nothing from git or plain http', () => {
    const packages = Object.entries<{ resolved?: string; integrity?: string }>(lock.packages).filter(
      ([path]) => path !== '',
    );
    expect(packages.length).toBeGreaterThan(500);
    for (const [path, { resolved, integrity }] of packages) {
      if (resolved !== undefined) expect(resolved, path).toMatch(/^https:/);
      expect(integrity, path).toMatch(/^sha512-/);
    }
  });

  test('matches package.json', () => {
    for (const kind of ['dependencies', 'peerDependencies', 'devDependencies']) {
      expect(lock.packages[''][kind]).toEqual(manifest[kind]);
    }
  });
});

describe('the bill of materials', () => {
  test('names each dependency with its version and licence', () => {
    const bom = JSON.parse(script('sbom'));
    expect(bom.bomFormat).toBe('CycloneDX');
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (name === '@tensorflow/tfjs-node') continue; // not in the lockfile: native, and not installed here
      const found = bom.components.find((each: { name: string }) => each.name === name);
      expect(found, name).toMatchObject({ version: lock.packages[`node_modules/${name}`].version });
      expect(found.licenses.length, name).toBeGreaterThan(0);
    }
  });
});

describe('workflows', () => {
  const workflows = readdirSync('.github/workflows').map((name) => [
    name,
    readFileSync(`.github/workflows/${name}`, 'utf8'),
  ]);

  test.each(workflows)('%s takes actions by commit, and no more rights than it needs', (name, text) => {
    const uses = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40}$/);
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toContain('secrets.');
    expect(text.includes('id-token: write')).toBe(name === 'release.yml');
  });

  test('the release publishes with provenance, after all tests', () => {
    const text = readFileSync('.github/workflows/release.yml', 'utf8');
    expect(text).toContain('npm publish --provenance');
    expect(text.indexOf('.ci/run')).toBeLessThan(text.indexOf('npm publish'));
  });

  test('name only scripts that exist', () => {
    for (const [name, text] of workflows) {
      for (const [, script] of text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)) {
        expect(manifest.scripts, name).toHaveProperty([script]);
      }
    }
  });
});

/** What `npm run` prints of a script that is a program for Node, without the start of npm. */
function script(name: string): string {
  const [program, ...args] = manifest.scripts[name].split(' ');
  expect(program).toBe('node');
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
