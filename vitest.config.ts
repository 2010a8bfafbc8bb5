import { defineConfig } from 'vitest/config';

const packed = { globalSetup: 'test/package/setup.ts', pool: 'forks' as const };

/*
 * Each of these files has a process of its own, which costs 0.3 s of CPU, and 0.9 s with TF.js. They measure the memory or the
 * time of their process, replace modules of Node, or need one in which no backend was started. The others share a process a worker.
 */
const APART = [
  'test/faces/blaze-face.test.ts',
  'test/fuzz/{command-line,every-export}.test.ts',
  'test/image/{garbage,pixel-kernels}.test.ts',
  'test/network/plain-network.test.ts',
  'test/platform/node/decode-apart.test.ts',
  'test/queue/{owner-file,sinks}.test.ts',
  'test/reliable/{bombs,limits,soak,worst-images}.test.ts',
  'test/tfjs/backends/use-backend.test.ts',
  'test/tfjs/kernels/register.test.ts',
  'test/tfjs/specs.test.ts',
  'test/video/video-frames.test.ts',
];

/** But for two, which replace modules of Node: that would remain so for the next file. */
const QUEUE = 'test/queue/!(owner-file|sinks).test.ts';

export default defineConfig({
  test: {
    // A test that asserts nothing fails. `expect.poll` waits for events: its limit is there only for those that never come.
    expect: { requireAssertions: true, poll: { timeout: 120_000 } },
    // Against what hangs: on a machine that ten others share, a test of three seconds takes a minute.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    setupFiles: ['test/equal-numbers.ts'],
    // TF.js keeps one engine a process, which outlives our modules: forked workers keep it apart.
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
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{package,cli,browser,docs,bench,queue}/**', ...APART],
          setupFiles: ['test/usual-backend.ts'],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'unit-apart', include: APART } },
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
        test: {
          name: 'docs',
          include: ['test/docs/*.test.ts'],
          isolate: false,
          ...packed,
          globalSetup: 'test/docs/setup.ts',
        },
      },
    ],
  },
});
