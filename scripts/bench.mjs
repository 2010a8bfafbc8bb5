import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/* Runs the benchmarks one after another, each in a separate process: `npm run bench`, or `npm run bench classify`. */
const wanted = process.argv.slice(2);
const benchmarks = readdirSync('test/bench').filter((name) => name.endsWith('.ts'));
const chosen = benchmarks.filter((name) => wanted.length === 0 || wanted.includes(name.replace(/\.ts$/, '')));
if (chosen.length === 0) {
  console.error(`unknown benchmark; known are: ${benchmarks.join(', ')}`);
  process.exit(2);
}

for (const name of chosen) {
  const { status } = spawnSync('npx', ['tsx', `test/bench/${name}`], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exitCode = 1;
}
