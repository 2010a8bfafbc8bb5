import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { findBrowsers } from './browsers.mjs';

/*
 * All checks for a change: style, types, the build, and every test. The last line counts each of the first three as one,
 * and each test as one.
 */
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-test-'));
const count = { passed: 0, failed: 0, skipped: 0 };

const checks = [['lint'], ['typecheck', '--', '--singleThreaded'], ['build']];
for (const exit of await Promise.all(checks.map(script))) tally(exit);

// Packed once, for the three projects that install the package.
const pack = start('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], 'pipe');
const [packed] = await Promise.all([text(pack.stdout), exitOf(pack)]);
if (packed.trim() !== '') process.env.FER_TARBALL = join(folder, packed.trim());

// Where `rows` and `runs` of test/night.ts say what they leave out by day.
process.env.FER_LEFT_OUT = join(folder, 'left-out.txt');

// Tests that run one file after another run beside the parallel ones, so that no core is idle. Their output comes last.
const beside = vitest('one-by-one', ['queue', 'browser'], 'pipe');
const { report, exit } = await vitest('side-by-side', ['unit*', 'package', 'docs'], 'inherit');
tallyTests(report, exit);
const { report: reportBeside, exit: exitBeside, output } = await beside;
process.stdout.write(output);
tallyTests(reportBeside, exitBeside);
const leftOut = addUp(process.env.FER_LEFT_OUT);
rmSync(folder, { recursive: true, force: true });

for (const [name, { paths, packages }] of Object.entries(findBrowsers())) {
  if (paths !== null) continue;
  console.log(
    `\n!! NO ${name.toUpperCase()} WAS FOUND: nothing was tested in it (Debian: apt-get install ${packages}).`,
  );
}
if (spawnSync('redis-server', ['--version']).status !== 0) {
  console.log('\n!! NO REDIS-SERVER WAS FOUND: fer-dcnn/queue was not tested. See CONTRIBUTING.md.');
}
if (count.skipped > 0) {
  console.log(
    `\n!! ${count.skipped} skipped: tests of minutes, which \`npm run nightly\` runs, and those named above.`,
  );
}
if (leftOut.rows + leftOut.cases > 0) {
  const [rows, cases] = [leftOut.rows, leftOut.cases].map((number) => number.toLocaleString('en'));
  console.log(`\n!! ${rows} rows of tables and ${cases} generated cases fewer than at night (FER_NIGHT=1).`);
}
console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;

/** Runs projects of vitest.config.ts. */
async function vitest(name, projects, stdio) {
  const report = join(folder, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const names = projects.flatMap((project) => ['--project', project]);
  const child = start('node', ['node_modules/vitest/vitest.mjs', 'run', ...names, ...reporters], stdio);
  const output = stdio === 'pipe' ? Promise.all([buffer(child.stdout), buffer(child.stderr)]) : [];
  const exit = await exitOf(child);
  return { report, exit, output: Buffer.concat(await output) };
}

function tallyTests(report, exit) {
  const failedBefore = count.failed;
  if (existsSync(report)) {
    for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
      const states = file.assertionResults.map(({ status }) => status);
      for (const status of states) count[status === 'passed' || status === 'failed' ? status : 'skipped']++;
      // A file that does not load has no tests, but counts as a failure.
      if (file.status === 'failed' && !states.includes('failed')) count.failed++;
    }
  }
  if (exit !== 0 && count.failed === failedBefore) count.failed++;
}

/** Without garbage collection in TypeScript and esbuild, which are Go programs: they end before it pays. */
function script(words) {
  return exitOf(start('npm', ['run', '--silent', ...words], 'inherit', { ...process.env, GOGC: 'off' }));
}

function start(command, args, stdio, env = process.env) {
  console.log(`\n> ${command} ${args.join(' ')}`);
  return spawn(command, args, { stdio: ['ignore', stdio, stdio], shell: process.platform === 'win32', env });
}

function exitOf(child) {
  return new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
}

/** Adds up lines such as `rows 3`. */
function addUp(file) {
  const sums = { rows: 0, cases: 0 };
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) {
    const [what, number] = line.split(' ');
    sums[what] += Number(number);
  }
  return sums;
}

function tally(exitCode) {
  count[exitCode === 0 ? 'passed' : 'failed']++;
}
