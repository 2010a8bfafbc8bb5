import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import fc from '../../fast-check.js';
import { rows, runs } from '../../night.js';
import { differenceOf, noise, on, PATHS, startOn, type Values } from './paths.js';

let largeProduct: Values | undefined;

describe.each(PATHS)('matrix products on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('equal those of the cpu backend, transposed or not, in stacks or not', async () => {
    await fc.assert(
      fc.asyncProperty(product, async ({ m, n, k, transposeA, transposeB, stack, broadcast }) => {
        const multiply = () => {
          const a = noise([...stackOf(stack, broadcast === 'a'), ...(transposeA ? [k, m] : [m, k])], 1);
          const b = noise([...stackOf(stack, broadcast === 'b'), ...(transposeB ? [n, k] : [k, n])], 2);
          return [tf.matMul(a, b, transposeA, transposeB)];
        };
        const [expected] = await on('cpu', multiply);
        const [actual] = await on('wasm', multiply);
        expect(differenceOf(actual, expected)).toBeLessThan(1e-4);
      }),
      { numRuns: runs(300) },
    );
  });

  test('can be larger than all blocks', async () => {
    const transposed = [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ];
    // By day, all on one path: the composed path has TF.js's own product.
    for (const [transposeA, transposeB] of rows(transposed, path === 'composed' ? 1 : 4)) {
      const multiply = () => {
        const [a, b] = [noise([131, 531], 1), noise([531, 1030], 2)] as tf.Tensor2D[];
        return [tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b, transposeA, transposeB)];
      };
      // The same product each time; the cpu backend takes half a second for it.
      largeProduct ??= (await on('cpu', multiply))[0];
      const [actual] = await on('wasm', multiply);
      expect(differenceOf(actual, largeProduct)).toBeLessThan(1e-4);
    }
  });

  test('can include a bias', async () => {
    for (const m of [3, 40]) {
      const multiply = () => [
        tf.fused.matMul({ a: noise([m, 7], 1), b: noise([7, 5], 2), bias: noise([5], 3) }),
        tf.fused.matMul({ a: noise([m, 7], 1), b: noise([7, 5], 2), bias: noise([5], 3), activation: 'relu' }),
      ];
      const expected = await on('cpu', multiply);
      const actual = await on('wasm', multiply);
      for (let i = 0; i < 2; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-4);
    }
  });
});

const product = fc.record({
  m: fc.integer({ min: 1, max: 70 }),
  n: fc.integer({ min: 1, max: 40 }),
  k: fc.integer({ min: 1, max: 40 }),
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  stack: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  broadcast: fc.constantFrom('none', 'a', 'b'),
});

function stackOf(stack: number[], broadcast: boolean): number[] {
  return broadcast ? stack.map(() => 1) : stack;
}
