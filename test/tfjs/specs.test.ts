import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { FULL, leftOut, nightTest } from '../night.js';

/** Nights run all specs, by `npm run test:tfjs`. */
const PART = FULL ? [] : ['--only', 'gradient'];
if (!FULL) leftOut("TF.js's specs but those of gradients, on SIMD; npm run test:tfjs runs all", 'full');

test.each(FULL ? ['composed', 'simd'] : ['simd'])(
  "TF.js's own specs pass on the %s path, but for those on the list",
  (path) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/tfjs-specs.mjs', path, ...PART], {
      encoding: 'utf8',
      timeout: 240_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('0 faults');
    expect(Number(/^\w+: (\d+) passed/m.exec(stdout)?.[1])).toBeGreaterThan(400);
    expect(status).toBe(0);
  },
  240_000,
);

nightTest(
  'a spec that fails and is not on the list is a fault',
  () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['scripts/tfjs-specs.mjs', 'plain', '--only', 'unsortedSegmentSum'],
      { encoding: 'utf8', timeout: 120_000 },
    );
    expect(stderr).toContain("Kernel 'UnsortedSegmentSum' not registered");
    expect(status).toBe(1);
  },
  120_000,
);

nightTest(
  'specs that are not there are a fault',
  () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['scripts/tfjs-specs.mjs', 'simd', '--only', 'unknown spec'],
      {
        encoding: 'utf8',
        timeout: 120_000,
      },
    );
    expect(stderr).toContain('0 specs ran');
    expect(status).toBe(1);
  },
  120_000,
);
