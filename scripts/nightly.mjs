import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Everything that `npm test` leaves out because it takes minutes, with new random cases. Each part has a time limit; half
 * an hour in all at most. Goes on after a failure and prints one table at the end.
 *
 *   npm run nightly                 all parts
 *   npm run nightly -- soak specs   some of them
 */
const NIGHT = { FER_NIGHT: '1', FER_FUZZ_SEED: process.env.FER_FUZZ_SEED ?? 'random' };
const vitest = (...args) => ['npx', 'vitest', 'run', ...args];

/** Name, minutes at most, environment, command. */
const PARTS = [
  ['long tests', 9, NIGHT, vitest('--project', 'unit', '--exclude', 'test/reliable/{soak,worst-images}.test.ts')],
  ['command line', 4, NIGHT, vitest('--project', 'package', 'test/cli')],
  ['fuzz', 3, { ...NIGHT, FER_FUZZ_CASES: '20000' }, vitest('--project', 'unit', 'test/fuzz')],
  ['specs of TF.js', 4, {}, ['node', 'scripts/tfjs-specs.mjs']],
  ['soak', 3, { FER_SOAK: 'full' }, vitest('--project', 'unit', 'test/reliable/soak.test.ts')],
  ['worst images', 2, { FER_WORST: 'full' }, vitest('--project', 'unit', 'test/reliable/worst-images.test.ts')],
  ['queue', 3, { ...NIGHT, FER_BAD_HOURS: 'full' }, vitest('--project', 'queue')],
  ['browsers', 2, { ...NIGHT, FER_STUDIO: 'full' }, vitest('--project', 'browser')],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some(([part]) => part === name));
if (unknown.length > 0) {
  console.error(`no part is named ${unknown.join(', ')}: there are ${PARTS.map(([part]) => part).join(', ')}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-nightly-'));
const rows = [];
for (const [name, minutes, env, command] of PARTS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n> ${name}: ${command.join(' ')}`);
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const reporters =
    command[1] === 'vitest' ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : [];
  const begin = Date.now();
  const code = await run([...command, ...reporters], env, minutes * 60_000);
  rows.push([
    name,
    code === 0 ? 'passed' : code === null ? `not done in ${minutes} min` : 'FAILED',
    counts(report),
    seconds(begin),
  ]);
}
rmSync(folder, { recursive: true, force: true });

const lines = [['part', 'outcome', 'tests', 'seconds'], ['---', '---', '---', '---'], ...rows];
console.log(`\n${lines.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
process.exitCode = rows.every(([, outcome]) => outcome === 'passed') ? 0 : 1;

/** @returns The exit code; null when the time was up. */
function run([program, ...args], env, milliseconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'inherit', detached: true });
    let late = false;
    // Its whole group: workers, servers and browsers too.
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, 'SIGKILL');
    }, milliseconds);
    child.on('error', reject).on('close', (code) => {
      clearTimeout(timer);
      resolve(late ? null : code);
    });
  });
}

function counts(report) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
    return `${numPassedTests} passed, ${numFailedTests} failed`;
  } catch {
    return '';
  }
}

function seconds(begin) {
  return Math.round((Date.now() - begin) / 1000);
}
