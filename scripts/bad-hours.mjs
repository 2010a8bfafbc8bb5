import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runWithin } from './run-within.mjs';

/*
 * Tests hostile input and failures at full length: 50,000 images per fault of the queue, and the worst images that the limits
 * accept. Prints one table. Ends after at most half an hour; unfinished tests then count as failed.
 *
 *   npm run bad-hours                      all files of tests
 *   npm run bad-hours -- servers hostile   some of them
 */

const LONGEST_MS = 30 * 60_000;
/** Project and test file: one run each, so that the table has all finished runs when the time is up. */
const FILES = [
  ['queue', 'test/queue/bad-hours.test.ts'],
  ['queue', 'test/queue/faults.test.ts'],
  ['queue', 'test/queue/hostile.test.ts'],
  ['queue', 'test/queue/servers.test.ts'],
  ['queue', 'test/queue/worker.test.ts'],
  ['unit-apart', 'test/reliable/worst-images.test.ts'],
  ['unit', 'test/platform/node/decode-work.test.ts'],
  ['unit-apart', 'test/platform/node/decode-apart.test.ts'],
];

const nameOf = (file) => basename(file, '.test.ts');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !FILES.some(([, file]) => nameOf(file) === name));
if (unknown.length > 0) {
  const names = FILES.map(([, file]) => nameOf(file));
  console.error(`unknown test file ${unknown.join(', ')}: known are ${names.join(', ')}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-bad-hours-'));
const until = Date.now() + LONGEST_MS;
const rows = [];
let failed = false;
for (const [project, file] of FILES) {
  const name = nameOf(file);
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const report = join(folder, `${name}.json`);
  const command = ['npx', 'vitest', 'run', '--project', project, '--reporter=json', `--outputFile=${report}`, file];
  const code = await runWithin(until - Date.now(), command, {
    env: { FER_NIGHT: 'full' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (code !== 0) failed = true;
  let tests;
  try {
    tests = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(({ assertionResults }) => assertionResults);
  } catch {
    rows.push([name, 'all of it', 'not done in half an hour', '']);
    continue;
  }
  for (const { fullName, status, duration, failureMessages } of tests) {
    if (failureMessages?.length > 0) console.error(`${fullName}\n${failureMessages.join('\n').slice(0, 4000)}\n`);
    rows.push([name, fullName, status, ((duration ?? 0) / 1000).toFixed(1)]);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(
  ['| of | what | outcome | s |', '| --- | --- | --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  ),
);
process.exitCode = failed ? 1 : 0;
