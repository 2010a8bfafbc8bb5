import { defineConfig } from 'vitest/config';

const packed = { globalSetup: 'test/package/setup.ts', pool: 'forks' as const };

/*
 * A process of its own costs a file 0.3 s of CPU, and 0.9 s with TF.js. These files share one: they leave TF.js's engine as it
 * is, and measure nothing of their process.
 */
const TOGETHER = [
  'test/*.test.ts',
  'test/{examples,onnx,platform,report,scripts,studio,supply,track,weights}/**/*.test.ts',
  // It trains the network itself, which on a backend that another file chose takes minutes.
  'test/folders/!(seven-classes).test.ts',
  'test/image/!(garbage|pixel-kernels).test.ts',
  'test/tfjs/preprocess.test.ts',
  'test/tfjs/{evaluate,model}/**/*.test.ts',
  'test/tfjs/train/!(killed|workers).test.ts',
];

/** The others replace modules of Node, which would remain so for the next file. */
const QUEUE = 'test/queue/!(owner-file|sinks).test.ts';

export default defineConfig({
  test: {
    // A test that asserts nothing fails. `expect.poll` waits for events: its limit is there only for those that never come.
    expect: { requireAssertions: true, poll: { timeout: 120_000 } },
    // Against what hangs: on a machine that ten others share, a test of three seconds takes a minute.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    setupFiles: ['test/equal-numbers.ts'],
    // TF.js keeps one engine a process: forked workers, one file each where nothing else is said, keep backends apart.
    pool: 'forks',
    // All cores: by default one of two would be idle.
    maxWorkers: '100%',
    // Of the unit tests; the command line, the queue and browsers are run as processes of their own, which V8 does not count.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/assembly/**', 'src/platform/browser/**', 'src/cli/**', 'src/queue/**', 'src/**/*-worker.ts'],
      thresholds: { lines: 90 },
    },
    projects: [
      { extends: true, test: { name: 'unit', include: TOGETHER, isolate: false } },
      {
        extends: true,
        test: {
          name: 'unit-apart',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{package,cli,browser,docs,bench}/**', QUEUE, ...TOGETHER],
        },
      },
      // Worker processes on a Redis of their own, one file after another: npm run build goes first.
      { extends: true, test: { name: 'queue', include: [QUEUE], fileParallelism: false, isolate: false } },
      // These test the packed package: npm run build goes first. What they test runs in processes of its own, so files share theirs.
      {
        extends: true,
        test: { name: 'package', include: ['test/{package,cli}/*.test.ts'], isolate: false, ...packed },
      },
      {
        extends: true,
        // One process for all files: each browser starts once.
        test: {
          name: 'browser',
          include: ['test/browser/*.test.ts'],
          fileParallelism: false,
          isolate: false,
          ...packed,
        },
      },
      {
        extends: true,
        test: { name: 'docs', include: ['test/docs/*.test.ts'], ...packed, globalSetup: 'test/docs/setup.ts' },
      },
    ],
  },
});
