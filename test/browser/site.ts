import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { writeFaces } from '../package/faces.js';
import { nodeJson } from '../package/run-node.js';

/**
 * Puts the pages and pictures of the tests into a folder in which the package is installed, and asks Node what the
 * pictures show.
 *
 * @returns Probabilities by file, in the order of `EMOTIONS`.
 */
export async function prepareSite(folder: string): Promise<Record<string, number[]>> {
  cpSync('test/browser/site', folder, { recursive: true });
  mkdirSync(join(folder, 'public'), { recursive: true });
  await writeFaces(join(folder, 'public'));
  await writeFaces(folder);
  return nodeJson(
    'module',
    `import { classify, EMOTIONS } from 'fer-dcnn';
    const lists = {};
    for (const file of ['face.png', 'face.jpg']) {
      const list = await classify(file);
      lists[file] = EMOTIONS.map((name) => list.find((p) => p.className === name).probability);
    }
    console.log(JSON.stringify(lists));`,
    folder,
  );
}

export function expectClose(list: number[], expected: number[], tolerance: number): void {
  expect(list).toHaveLength(expected.length);
  for (const [i, p] of list.entries()) expect(Math.abs(p - expected[i])).toBeLessThan(tolerance);
}
