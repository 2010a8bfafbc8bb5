import { defineConfig } from 'vitest/config';

const packed = { globalSetup: 'test/package/setup.ts', pool: 'forks' as const, testTimeout: 120_000 };

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // TF.js keeps one engine a process: forked workers, one file each, keep backends apart.
    pool: 'forks',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/kernels/assembly/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**', 'test/cli/**', 'test/browser/**', 'test/bench/**'],
        },
      },
      // These two test the packed package: npm run build goes first.
      { extends: true, test: { name: 'package', include: ['test/{package,cli}/*.test.ts'], ...packed } },
      {
        extends: true,
        test: { name: 'browser', include: ['test/browser/*.test.ts'], fileParallelism: false, ...packed },
      },
    ],
  },
});
