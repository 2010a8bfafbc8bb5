import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { classify, createClassifier } from '../../src/index.js';
import { fallbacks } from '../../src/network/fallbacks.js';
import { fallbacksOnDemand } from '../../src/network/fallbacks-on-demand.js';
import { sha256Of } from '../../src/network/sha256.js';

afterEach(() => vi.unstubAllGlobals());

const FACE = {
  data: Uint8Array.from({ length: 1024 }, (_, k) => (k * 7) % 256),
  width: 32,
  height: 32,
  channels: 1 as const,
};

describe.each([
  ['at hand', fallbacks],
  ['on demand', fallbacksOnDemand],
])('the hash, %s', (_, from) => {
  test("without crypto.subtle is that of Node's own sha256", async () => {
    vi.stubGlobal('crypto', undefined);
    const bytes = Uint8Array.from({ length: 300 }, (_, k) => k % 256);
    expect(await sha256Of(bytes, from)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });
});

test('classify answers the same on a page without WebAssembly and crypto.subtle', async () => {
  const expected = await classify(FACE);
  vi.stubGlobal('WebAssembly', undefined);
  vi.stubGlobal('crypto', undefined);
  const classifier = createClassifier({ backend: 'simd', assets: 'weights' });
  const found = await classifier.classify(FACE);
  classifier.dispose();
  expect(found.map(({ className }) => className)).toEqual(expected.map(({ className }) => className));
  found.forEach(({ probability }, i) => {
    expect(probability).toBeCloseTo(expected[i].probability, 5);
  });
});
