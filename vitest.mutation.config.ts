import { defineConfig } from 'vitest/config';

/**
 * The tests that kill mutants (`npm run mutation`): those of the mutated rooms, without the ones that take minutes, and
 * without the one that weighs garbage, of which the counters put in by the mutation tests leave some.
 */
export default defineConfig({
  test: {
    // With the counters of the mutation tests, on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    setupFiles: ['test/equal-numbers.ts'],
    include: [
      'test/{image,tfjs/evaluate,tfjs/train}/*.test.ts',
      'test/platform/node/{decode,decode-work,frames,read-regular-file,read-stream,small-jpeg,write-file}.test.ts',
      'test/platform/{byte-budget,frame-count,image-limits}.test.ts',
      // The queue's that need no Redis.
      'test/queue/{adopt-lines,is-same-file,owner-file,read-item,redis-error,result-file}.test.ts',
      'test/reliable/settings.test.ts',
      'test/report/render-plot.test.ts',
    ],
    exclude: ['test/tfjs/train/{killed,golden-network,workers}.test.ts', 'test/image/garbage.test.ts'],
  },
});
