import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/*
 * The fuzz tests, longer: npm run fuzz -- --cases 200000 --seed 7. Without a seed, a new one is drawn and printed. The same
 * seed and number give the same cases.
 */
const { values } = parseArgs({
  options: { cases: { type: 'string', default: '5000' }, seed: { type: 'string', default: 'random' } },
});
const env = { ...process.env, FER_FUZZ_CASES: values.cases, FER_FUZZ_SEED: values.seed };
const args = ['vitest', 'run', '--project', 'unit*', 'test/fuzz'];
process.exitCode = spawnSync('npx', args, { stdio: 'inherit', env, shell: process.platform === 'win32' }).status ?? 1;
