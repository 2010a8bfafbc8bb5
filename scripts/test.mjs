import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowsers } from './browsers.mjs';

/*
 * All that is checked before a change is taken: style, types, the build, and every test. The last line counts each of
 * the first three as one, and each test as one.
 */
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-test-'));
const report = join(folder, 'report.json');
const count = { passed: 0, failed: 0, skipped: 0 };

for (const script of ['lint', 'typecheck', 'build']) tally(run('npm', ['run', '--silent', script]));

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const exit = run('npx', ['vitest', 'run', ...reporters]);
const failedBefore = count.failed;
if (existsSync(report)) {
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    const states = file.assertionResults.map(({ status }) => status);
    for (const status of states) count[status === 'passed' || status === 'failed' ? status : 'skipped']++;
    // A file that does not load has no tests to fail.
    if (file.status === 'failed' && !states.includes('failed')) count.failed++;
  }
}
if (exit !== 0 && count.failed === failedBefore) count.failed++;
rmSync(folder, { recursive: true, force: true });

for (const [name, { paths, packages }] of Object.entries(findBrowsers())) {
  if (paths !== null) continue;
  console.log(
    `\n!! NO ${name.toUpperCase()} WAS FOUND: nothing was tested in it (Debian: apt-get install ${packages}).`,
  );
}
if (spawnSync('redis-server', ['--version']).status !== 0) {
  console.log('\n!! NO REDIS-SERVER WAS FOUND: fer-dcnn/queue was not tested. See README.md, "Development".');
}
if (count.skipped > 0) console.log(`\n!! ${count.skipped} skipped: the output above says why.`);
console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;

function run(command, args) {
  console.log(`\n> ${command} ${args.join(' ')}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  return status;
}

function tally(exitCode) {
  count[exitCode === 0 ? 'passed' : 'failed']++;
}
