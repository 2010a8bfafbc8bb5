import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { nightTest } from '../night.js';
import { installedCopies } from './consumer.js';

const { folder, tarball, files } = inject('consumer');
const installed = join(folder, 'node_modules/fer-dcnn');
const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));

describe('the packed package', () => {
  test('holds only what users need', () => {
    const expected = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
      /^weights\/(model\.json|weights\.bin|MODEL_CARD\.md|[a-z-]+\.svg)$/,
      /^dist\/LICENSES\.txt$/,
      /^dist\/(node|browser)\/[\w-]+\.js$/,
      /^dist\/standalone\/((index|lite)\.js|(fer-dcnn|lite)\.global\.js)$/,
      /^dist\/react-native\/lite\.js$/,
      /^dist\/studio\/(pictures|webcam|teach)\/index\.html$/,
      /^dist\/studio\/assets\/[\w-]+\.(js|css)$/,
      /^dist\/node\/[\w-]+\.cjs$/,
      // What several entries share of the types lies in files such as assets.d-CxYnIzLG.d.ts.
      /^dist\/node\/[\w-]+(\.d-[\w-]+)?\.d\.c?ts$/,
      /^dist\/faces\/blazeface\.bin$/,
      /^dist\/wasm\/((network|faces)-(relaxed|scalar|simd)|tfjs-backend-wasm(-simd|-threaded-simd)?|training(-relaxed)?(-shared)?)\.wasm$/,
    ];
    expect(files.filter((file) => !expected.some((pattern) => pattern.test(file)))).toEqual([]);
  });

  test('holds the weights once', () => {
    const bytes = readFileSync('weights/weights.bin').length;
    const large = files.filter((file) => statSync(join(installed, file)).size > bytes);
    // Vega, which draws the charts, and the files with TF.js inside.
    expect(large).toEqual(['dist/node/vega-svg.cjs', 'dist/standalone/fer-dcnn.global.js', 'dist/standalone/index.js']);
    const scripts = files.filter((file) => file.endsWith('.js'));
    expect(scripts.filter((file) => /[A-Za-z0-9+/]{2000}/.test(readFileSync(join(installed, file), 'utf8')))).toEqual(
      [],
    );
  });

  test('holds the pages of the studio, without a second copy of the package in them', () => {
    const pages = files.filter((file) => file.startsWith('dist/studio/'));
    expect(pages).toContain('dist/studio/pictures/index.html');
    const bytes = pages.reduce((sum, file) => sum + statSync(join(installed, file)).size, 0);
    expect(bytes).toBeLessThan(300_000);
  });

  test('has every file that package.json names', () => {
    const named = new Set<string>();
    const visit = (value: unknown) => {
      if (typeof value === 'string') named.add(value.replace(/^\.\//, ''));
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    };
    visit([manifest.main, manifest.module, manifest.types, manifest.unpkg, manifest.jsdelivr, manifest.bin]);
    visit([manifest.exports, manifest.typesVersions]);
    named.delete('dist/wasm/*.wasm');
    expect([...named].filter((file) => !files.includes(file))).toEqual([]);
  });

  test('creates no code from text in browsers: no eval, no Function', () => {
    const scripts = files.filter((file) => /^dist\/(browser|standalone)\/.*\.js$/.test(file));
    expect(scripts.length).toBeGreaterThan(5);
    const makesCode = /(?<![.\w$])(eval|Function)\s*\(/;
    expect(scripts.filter((file) => makesCode.test(readFileSync(join(installed, file), 'utf8')))).toEqual([]);
  });

  nightTest('packs to the same bytes elsewhere, at another time', () => {
    const again = mkdtempSync(join(tmpdir(), 'fer-dcnn-again-'));
    try {
      cpSync(installed, join(again, 'elsewhere'), { recursive: true });
      for (const file of files) utimesSync(join(again, 'elsewhere', file), 1e9, 1e9);
      const args = ['pack', '--ignore-scripts', '--loglevel=silent', '--pack-destination', again];
      execFileSync('npm', args, {
        cwd: join(again, 'elsewhere'),
        stdio: 'ignore',
        shell: process.platform === 'win32',
      });
      expect(readFileSync(join(again, basename(tarball))).equals(readFileSync(tarball))).toBe(true);
    } finally {
      rmSync(again, { recursive: true, force: true });
    }
  });

  test('passes publint', () => {
    expect(run('node_modules/publint/src/cli.js', ['run', tarball, '--strict'])).toContain('All good');
  });

  // By day `types.test.ts` compiles programs of both module systems against the package.
  nightTest('has types that fit its code, by attw', () => {
    expect(run('node_modules/@arethetypeswrong/cli/dist/index.js', [tarball])).toContain('No problems found');
  });

  test('loads exactly one tfjs-core', () => {
    expect(installedCopies(join(folder, 'node_modules'), '@tensorflow/tfjs-core')).toHaveLength(1);
  });
});

function run(script: string, args: string[]): string {
  try {
    return execFileSync(process.execPath, [script, ...args], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `${stdout}${stderr}`;
  }
}
