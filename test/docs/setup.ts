import type { TestProject } from 'vitest/node';
import { makeConsumer, removeConsumer } from '../package/consumer.js';

/** As `test/package/setup.ts`, with all optional packages installed: the documents and examples use them. */
export default async function setup(project: TestProject): Promise<() => void> {
  const consumer = await makeConsumer({ allPackages: true });
  project.provide('consumer', consumer);
  return () => removeConsumer(consumer);
}
