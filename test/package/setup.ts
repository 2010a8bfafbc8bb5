import type { TestProject } from 'vitest/node';
import { type Consumer, makeConsumer, removeConsumer } from './consumer.js';

declare module 'vitest' {
  export interface ProvidedContext {
    consumer: Consumer;
  }
}

/** Packs and installs the package once for all tests that need it: `inject('consumer')`. */
export default async function setup(project: TestProject): Promise<() => void> {
  const consumer = await makeConsumer();
  project.provide('consumer', consumer);
  return () => removeConsumer(consumer);
}
