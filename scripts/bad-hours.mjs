import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runWithin } from './run-within.mjs';

/*
 * What a stranger can send and what a bad hour can do, at full length: 50,000 images a fault of the queue, and the worst images
 * that the limits let in. Prints one table; ends after half an hour at most, with what is not done by then as failed.
 *
 *   npm run bad-hours
 */

const LONGEST_MS = 30 * 60_000;
const RUNS = [
  [
    'queue',
    'test/queue/bad-hours.test.ts',
    'test/queue/faults.test.ts',
    'test/queue/hostile.test.ts',
    'test/queue/servers.test.ts',
  ],
  [
    'unit',
    'test/reliable/worst-images.test.ts',
    'test/platform/node/decode-work.test.ts',
    'test/platform/node/decode-apart.test.ts',
  ],
];

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-bad-hours-'));
const until = Date.now() + LONGEST_MS;
const rows = [];
let failed = false;
for (const [project, ...files] of RUNS) {
  const report = join(folder, `${project}.json`);
  const command = ['npx', 'vitest', 'run', '--project', project, '--reporter=json', `--outputFile=${report}`, ...files];
  const code = await runWithin(until - Date.now(), command, {
    env: { FER_NIGHT: 'full' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (code !== 0) failed = true;
  try {
    for (const { name, assertionResults } of JSON.parse(readFileSync(report, 'utf8')).testResults) {
      for (const { fullName, status, duration, failureMessages } of assertionResults) {
        if (failureMessages?.length > 0) console.error(`${fullName}\n${failureMessages.join('\n').slice(0, 4000)}\n`);
        rows.push([
          name.split('/').at(-1).replace('.test.ts', ''),
          fullName,
          status,
          ((duration ?? 0) / 1000).toFixed(1),
        ]);
      }
    }
  } catch {
    rows.push([project, files.join(', '), 'not done in half an hour', '']);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(
  ['| of | what | outcome | s |', '| --- | --- | --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  ),
);
process.exitCode = failed ? 1 : 0;
