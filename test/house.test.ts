import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { default: config } = (await import(pathToFileURL('.dependency-cruiser.mjs').href)) as {
  default: { forbidden: { name: string }[] };
};

/** A small house in which each rule is broken once: the offence, by the name of the rule. */
const OFFENCES: Record<string, Record<string, string>> = {
  'no-circles': {
    'src/image/egg.ts': "import type { Hen } from './hen.js';\nexport interface Egg { of: Hen }",
    'src/image/hen.ts': "import type { Egg } from './egg.js';\nexport interface Hen { lays: Egg }",
  },
  'recognise-without-tfjs': {
    'src/faces/tensors.ts': "import type { Tensor } from '@tensorflow/tfjs-core';\nexport type Faces = Tensor;",
  },
  'tfjs-by-import-alone': {
    'src/load-tfjs.ts': "import { wing } from './tfjs/wing.js';\nexport const load = () => wing;",
    'src/tfjs/wing.ts': 'export const wing = 1;',
  },
  'lite-without-import': {
    'src/lite.ts': "export { lazy } from './classify/lazy.js';",
    'src/classify/lazy.ts': "import { load } from '../load-tfjs.js';\nexport const lazy = load;",
  },
  'node-in-its-rooms': {
    'src/track/save.ts': "import { writeFileSync } from 'node:fs';\nexport const save = writeFileSync;",
  },
  'entries-are-not-imported': {
    'src/video/entry.ts': "import { lazy } from '../lite.js';\nexport const entry = lazy;",
  },
  resolvable: { 'src/emotions.ts': "import { gone } from './gone.js';\nexport const emotions = gone;" },
};

/** For the arrows: a room, and one that stands above it or beside it. */
const WRONG_WAY: Record<string, string> = {
  platform: 'image',
  image: 'network',
  network: 'faces',
  faces: 'classify',
  classify: 'track',
  track: 'pool',
  tfjs: 'folders',
  folders: 'report',
  report: 'queue',
  onnx: 'video',
  video: 'tfjs',
  pool: 'queue',
  queue: 'cli',
  studio: 'cli',
};

describe('the rules of the house', () => {
  let folder: string;
  let broken: Set<string>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-house-'));
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    for (const files of Object.values(OFFENCES)) for (const [path, text] of Object.entries(files)) write(path, text);
    for (const [room, other] of Object.entries(WRONG_WAY)) {
      write(`src/${other}/thing.ts`, 'export const thing = 1;');
      write(`src/${room}/wrong-way.ts`, `import { thing } from '../${other}/thing.js';\nexport const wrong = thing;`);
    }
    write(
      'node_modules/@tensorflow/tfjs-core/package.json',
      '{ "name": "@tensorflow/tfjs-core", "types": "index.d.ts" }',
    );
    write('node_modules/@tensorflow/tfjs-core/index.d.ts', 'export interface Tensor {}');
    write('package.json', '{ "dependencies": { "@tensorflow/tfjs-core": "*" } }');
    cpSync('tsconfig.json', join(folder, 'tsconfig.json'));
    broken = new Set(violations(folder));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(config.forbidden.map(({ name }) => name))('%s finds what breaks it', (name) => {
    expect(broken).toContain(name);
  });
});

/** Names of the rules that a tree breaks. */
function violations(cwd: string): string[] {
  const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [program, 'src', '--config', resolve('.dependency-cruiser.mjs'), '--output-type', 'json'];
  let out: string;
  try {
    out = execFileSync(process.execPath, args, { cwd, encoding: 'utf8', maxBuffer: 1e8, stdio: 'pipe' });
  } catch (error) {
    out = (error as { stdout: string }).stdout;
  }
  return JSON.parse(out).summary.violations.map(({ rule }: { rule: { name: string } }) => rule.name);
}
