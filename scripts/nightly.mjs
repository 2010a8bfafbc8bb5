import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runWithin } from './run-within.mjs';

/*
 * Runs the long tests that `npm test` leaves out, with new random cases. Each part has a time limit; the total is at most half
 * an hour. Continues after a failure and prints one table at the end. Longer tests have their own commands: `npm run bad-hours`
 * (queue, worst images), `npm run soak`, `npm run fuzz`.
 *
 *   npm run nightly                 all parts
 *   npm run nightly -- browsers     some of them
 */
const NIGHT = { FER_NIGHT: '1', FER_FUZZ_SEED: process.env.FER_FUZZ_SEED ?? 'random' };
const vitest = (...args) => ['npx', 'vitest', 'run', ...args];

/** Name, minutes at most, environment, command. */
const PARTS = [
  ['long tests', 13, NIGHT, vitest('--project', 'unit*')],
  ['package, command line, documents', 8, NIGHT, vitest('--project', 'package', '--project', 'docs')],
  ['specs of TF.js', 3, {}, ['node', 'scripts/tfjs-specs.mjs']],
  ['browsers', 6, NIGHT, vitest('--project', 'browser')],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some(([part]) => part === name));
if (unknown.length > 0) {
  console.error(`unknown part ${unknown.join(', ')}: known are ${PARTS.map(([part]) => part).join(', ')}`);
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
  const code = await runWithin(minutes * 60_000, [...command, ...reporters], { env, stdio: 'inherit' });
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
