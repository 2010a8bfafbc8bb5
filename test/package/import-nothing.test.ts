import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build, type OutputFile } from 'esbuild';
import { beforeAll, describe, expect, inject, test } from 'vitest';

const { folder } = inject('consumer');

/** What an engine may lack. A new context has the names of the language alone, and WebAssembly. */
const MISSING = [
  'URL',
  'TextEncoder',
  'TextDecoder',
  'fetch',
  'EventTarget',
  'CustomEvent',
  'WebAssembly',
  'Blob',
  'navigator',
];

describe('an engine without URL, TextEncoder, fetch, EventTarget and WebAssembly', () => {
  const ENTRIES = ['fer-dcnn', 'fer-dcnn/lite', 'fer-dcnn/weights', 'fer-dcnn/kernels'];
  let outputFiles: OutputFile[];
  beforeAll(async () => {
    // All in one build, which reads TF.js once.
    const place = mkdtempSync(join(folder, 'entries-'));
    for (const [i, entry] of ENTRIES.entries()) writeFileSync(join(place, `${i}.js`), `export * from '${entry}'`);
    ({ outputFiles } = await build({
      entryPoints: ENTRIES.map((_, i) => join(place, `${i}.js`)),
      outdir: place,
      bundle: true,
      format: 'iife',
      globalName: 'entry',
      write: false,
      platform: 'browser',
      logLevel: 'error',
      logOverride: { 'empty-import-meta': 'silent' },
    }));
  });

  test.each(ENTRIES)('imports %s, and nothing throws before the first call', (entry) => {
    const { text } = outputFiles[ENTRIES.indexOf(entry)];
    expect(exportsOf(text, 'entry').length).toBeGreaterThan(0);
  });

  test.each(['lite.global.js', 'fer-dcnn.global.js'])('runs the classic script %s', (file) => {
    const script = readFileSync(join(folder, 'node_modules/fer-dcnn/dist/standalone', file), 'utf8');
    expect(exportsOf(script, 'ferDcnn')).toContain('classify');
  });
});

/** Runs a script in a bare context, and gives the names that it exports. */
function exportsOf(script: string, name: string): string[] {
  const context = createContext({});
  // TF.js looks for a global object by the names that engines give it.
  runInContext('globalThis.self = globalThis', context);
  for (const missing of MISSING) runInContext(`delete globalThis.${missing}`, context);
  for (const missing of MISSING) expect(runInContext(`typeof ${missing}`, context)).toBe('undefined');
  runInContext(script, context);
  return runInContext(`Object.keys(${name})`, context) as string[];
}
