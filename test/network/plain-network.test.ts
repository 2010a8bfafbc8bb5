import { beforeAll, describe, expect, test } from 'vitest';
import { fallbacks } from '../../src/network/fallbacks.js';
import { type Network, startNetwork } from '../../src/network/network.js';
import { plainNetwork } from '../../src/network/plain-network.js';
import { WEIGHT_SIZES } from '../../src/network/weight-sizes.js';
import fc from '../fast-check.js';
import { noise, readGolden, signedNoise } from '../golden-network.js';
import { sharedPath } from '../shared.js';
import { BUILDS, moduleBytes } from './modules.js';

const goldenFile = sharedPath('golden/network.json');
const golden = goldenFile ? readGolden(goldenFile) : { parameters: [], cases: [] };

describe('plainNetwork', () => {
  test.skipIf(goldenFile === null).each(golden.cases)(
    'gives the golden probabilities of seed $seed, all but exactly',
    ({ seed, batch, probabilities }) => {
      const network = plainNetwork();
      network.setWeights(
        golden.parameters.map(({ amplitude }, i) => signedNoise(WEIGHT_SIZES[i], i + 1 + 10 * seed, amplitude)),
      );
      const faces = Float32Array.from(noise(batch * 1024, 100 + seed));
      probabilities.forEach((expected, face) => {
        network.inputs.set(faces.subarray(1024 * face, 1024 * (face + 1)));
        network.run();
        // The golden numbers are computed in double too, of parameters that were not rounded to float.
        expect(difference(network.outputs, expected)).toBeLessThan(1e-6);
      });
    },
  );

  test('keeps a copy of its weights, and is itself after other weights', () => {
    const network = plainNetwork();
    const weights = weightsOf(1, 1);
    network.setWeights(weights);
    network.inputs.set(signedNoise(1024, 7, 2));
    network.run();
    const before = Array.from(network.outputs);
    for (const array of weights) array.fill(1);
    network.run();
    expect(Array.from(network.outputs)).toEqual(before);
    network.setWeights(weightsOf(2, 1));
    network.run();
    expect(Array.from(network.outputs)).not.toEqual(before);
    network.setWeights(weightsOf(1, 1));
    network.run();
    expect(Array.from(network.outputs)).toEqual(before);
  });

  test('allocates nothing per face', () => {
    const network = plainNetwork();
    network.setWeights(weightsOf(3, 1));
    for (let face = 0; face < 50; face++) network.run();
    const before = process.memoryUsage();
    for (let face = 0; face < 200; face++) network.run();
    const after = process.memoryUsage();
    // One array of the smallest layer a face would be 0.4 MB of the heap.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(200_000);
    expect(after.arrayBuffers).toBe(before.arrayBuffers);
  });

  test('gives NaN for a face with NaN anywhere', () => {
    const network = plainNetwork();
    network.setWeights(weightsOf(4, 1));
    for (const place of [0, 31, 32 * 31, 1023, 500]) {
      network.inputs.fill(0.5);
      network.inputs[place] = Number.NaN;
      network.run();
      expect(Array.from(network.outputs)).toEqual(Array(5).fill(Number.NaN));
    }
    network.inputs.fill(0.5);
    network.run();
    expect(network.outputs.reduce((sum, value) => sum + value)).toBeCloseTo(1, 12);
  });
});

describe.each(BUILDS)('plainNetwork and %s', (build) => {
  let network: Network;
  beforeAll(async () => {
    network = await startNetwork(await WebAssembly.compile(moduleBytes(build)), fallbacks);
  });

  test('give the same within 1e-5, for any weights and inputs', async () => {
    const plain = plainNetwork();
    const cases = fc.record({
      seed: fc.nat(1e6),
      // Of a trained network's weights.
      scale: fc.double({ min: 0.1, max: 1.2, noNaN: true }),
      // How many inputs are 0.
      sparse: fc.constantFrom(0, 0.5, 1),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, scale, sparse }) => {
        const weights = weightsOf(seed, scale);
        plain.setWeights(weights);
        network.setWeights(weights);
        const zeros = noise(1024, seed + 50);
        const face = signedNoise(1024, seed, 2).map((value, i) => (zeros[i] < sparse ? 0 : value));
        plain.inputs.set(face);
        plain.run();
        expect(difference(plain.outputs, await network.predict(face, 1))).toBeLessThan(1e-5);
      }),
      { numRuns: 15 },
    );
  });
});

/** Weights about as large as trained ones, times `scale`. */
function weightsOf(seed: number, scale: number): Float32Array[] {
  const inputs = [9, 0, 288, 0, 2048, 0, 256, 0];
  return WEIGHT_SIZES.map((size, i) =>
    signedNoise(size, seed + i, scale * (inputs[i] ? Math.sqrt(3 / inputs[i]) : 0.1)),
  );
}

function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual).toHaveLength(expected.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i])));
}
