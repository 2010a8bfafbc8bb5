import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scalingReport } from '../../scripts/scaling.js';

test('docs/scaling.md holds what scripts/scaling.ts prints', () => {
  const page = readFileSync('docs/scaling.md', 'utf8');
  const [, shown] = /```text\n([\s\S]*?)\n```/.exec(page)!;
  expect(shown).toBe(scalingReport());
});
