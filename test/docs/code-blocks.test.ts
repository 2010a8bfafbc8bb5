import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, type TestContext, test } from 'vitest';
import { COMMANDS } from '../../src/cli/program.js';
import { haveChromium, startChromium } from '../browser/chromium.js';
import { serveStatic } from '../browser/servers.js';
import { leftOut, NIGHT } from '../night.js';
import { runNode, runProgram } from '../package/run-node.js';
import { codeBlocks, documents } from './code-blocks.js';
import { copyGround, makeGround } from './ground.js';
import { typeErrors } from './type-errors.js';

/*
 * What stands in the documents works, with the package as it is published.
 *
 * Programs (`js`, `ts`, `cjs`) are run, and `js` and `ts` also type-checked. The mark `browser` or `server` after the
 * language says that a program needs a page, a camera or another machine: it is type-checked alone. A page (`html`) is
 * opened in Chromium. What is marked `guide` is built and run by `npm run test:guides` alone: it needs bundlers. In a block of commands (`sh`) those of this package are run, npm's are looked up; the mark `server`
 * leaves both out. Trainings end after two epochs.
 */
const CHECKED_ALONE = ['browser', 'server'];
const GUIDE = 'guide';
const PROGRAMS = ['js', 'ts', 'tsx', 'cjs'];
/** What is shown, not run: output, listings, other languages' programs. */
const SHOWN = ['text', 'csv', 'python', 'csharp', 'dockerfile', 'yaml', 'promql'];

const { folder } = inject('consumer');
const blocks = documents().flatMap(codeBlocks);
const needsMore = (marks: string[]) => marks.some((mark) => CHECKED_ALONE.includes(mark));
const only = (...languages: string[]) =>
  blocks.filter(({ language, marks }) => languages.includes(language) && !marks.includes(GUIDE));
/** By day what a newcomer reads first; the others are type-checked, and run at night. */
const byDay = ({ place }: { place: string }) => NIGHT || /^(README|docs\/getting-started)\.md/.test(place);
if (!NIGHT) leftOut('programs and commands of the documents but README and docs/getting-started.md', '1');
let ground: string;

beforeAll(async () => {
  ground = await makeGround(folder);
});

test('every block has a language, and is run or checked', () => {
  const known = [...PROGRAMS, ...SHOWN, 'html', 'sh', 'json'];
  const unknown = blocks.filter(
    ({ language, marks }) =>
      !known.includes(language) || marks.some((mark) => ![...CHECKED_ALONE, GUIDE].includes(mark)),
  );
  expect(unknown.map(({ place, language, marks }) => `${place} ${language} ${marks}`)).toEqual([]);
});

test.each<6 | 7>(NIGHT ? [7, 6] : [7])('types are right, by TypeScript %d', async (version) => {
  expect(await typeErrors(only('js', 'ts', 'tsx'), folder, version)).toEqual([]);
});

describe.concurrent('a program runs', () => {
  const programs = only(...PROGRAMS).filter(({ marks }) => !needsMore(marks));
  test.for(programs.filter(byDay))('$place', async ({ language, text }, context) => {
    skipWithoutVideo(text, context);
    const here = copyGround(ground);
    const format = language === 'cjs' ? 'cjs' : 'esm';
    const { code } = await transform(shortened(text), {
      loader: language === 'tsx' ? 'tsx' : 'ts',
      format,
      target: 'node20',
    });
    const file = join(here, format === 'cjs' ? 'program.cjs' : 'program.mjs');
    writeFileSync(file, code);
    const run = await runNode([file], here);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toBe('');
  });
});

describe.concurrent('commands', () => {
  const scripts = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).scripts);

  const commands = only('sh').filter(({ marks }) => !needsMore(marks));
  test.for(commands)('$place', async (block, context) => {
    const { text } = block;
    skipWithoutVideo(text, context);
    const lines = shortened(text)
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/\s*#.*/, '').trim());
    const ours = lines.filter((line) => line.includes('npx fer-dcnn'));
    for (const command of lines.filter((line) => line !== '' && !ours.includes(line)).flatMap((l) => l.split(/ && /))) {
      expect(command, 'neither npm nor npx fer-dcnn: mark it `server`, or show it as text').toMatch(
        /^(npm|yarn|pnpm) /,
      );
      const [, script] = /^npm run (?:--\S+ )*([\w:-]+)/.exec(command) ?? [];
      if (script !== undefined) expect(scripts).toContain(script);
    }
    for (const line of ours) {
      const [, command] = /npx fer-dcnn ([\w-]+)/.exec(line) ?? [];
      expect([...COMMANDS.map(({ name }) => name), '--help', '--version'], line).toContain(command);
    }
    if (ours.length === 0 || !byDay(block)) return;
    const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
    const npx = `npx() { shift; '${process.execPath}' '${cli}' "$@"; }`;
    const run = await runProgram('bash', ['-euo', 'pipefail', '-c', `${npx}\n${ours.join('\n')}`], copyGround(ground));
    expect(run.code, run.stdout + run.stderr).toBe(0);
  });
});

test.each(only('json'))('$place is JSON', ({ text }) => {
  expect(() => JSON.parse(text)).not.toThrow();
});

describe.runIf(haveChromium)('a page opens in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser?.close());

  test.each(only('html'))('$place', async ({ text }) => {
    const here = copyGround(ground);
    writeFileSync(join(here, 'index.html'), text.replaceAll('./node_modules/', '../node_modules/'));
    const served = await serveStatic(folder);
    const page = await browser.newPage();
    const said: string[] = [];
    page.on('pageerror', (error) => said.push(String(error)));
    page.on(
      'console',
      (message) => message.type() !== 'log' && said.push(`${message.text()} ${message.location().url}`),
    );
    const printed = page.waitForEvent('console', { predicate: (message) => message.type() === 'log' });
    await page.goto(`${served.url}${here.slice(folder.length + 1)}/index.html`);
    await printed.catch(() => said.push('nothing was printed'));
    await page.close();
    await served.close();
    expect(said).toEqual([]);
  });
});

function shortened(text: string): string {
  return text.replace(/epochs(:|) \d+/g, 'epochs$1 2');
}

/** The video is made by ffmpeg, where that is there. */
function skipWithoutVideo(text: string, { skip }: Pick<TestContext, 'skip'>): void {
  if (text.includes('clip.mp4') && !existsSync(join(ground, 'clip.mp4'))) skip('no ffmpeg');
}
