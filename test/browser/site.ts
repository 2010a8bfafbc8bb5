import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
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
  inNode ??= nodeJson(
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
  return inNode;
}

/** Asked once: the pictures are the same in every folder. */
let inNode: Promise<Record<string, number[]>> | undefined;

/**
 * Writes a page and a worker that check `fer-dcnn/lite` alone.
 *
 * @param lite - How they import it: the package's name, or an address on a page without a bundler.
 */
export function writeLitePages(root: string, lite: string): void {
  const face = `new URL(${lite.startsWith('.') ? "'./lite/public/face.png'" : "'/face.png'"}, location.href)`;
  const shared = lite.startsWith('.') ? './lite' : '.';
  writeFileSync(
    join(root, 'lite-checks.js'),
    `import { violations } from '${shared}/violations.js';
    import { classify, createClassifier, EMOTIONS } from '${lite}';
    const listOf = (list) => EMOTIONS.map((name) => list.find((p) => p.className === name).probability);
    export const checks = {
      violations: () => violations,
      async lite() {
        const blob = await (await fetch(${face})).blob();
        const bitmap = await createImageBitmap(blob);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        canvas.getContext('2d').drawImage(bitmap, 0, 0);
        const pixels = canvas.getContext('2d').getImageData(0, 0, bitmap.width, bitmap.height);
        const classifier = createClassifier();
        const bytes = listOf(await classifier.classify(pixels));
        classifier.dispose();
        return { list: listOf(await classify(blob)), bytes };
      },
    };`,
  );
  writeFileSync(
    join(root, 'main.js'),
    `import { offer } from '${shared}/checks.js';
    import { checks } from './lite-checks.js';
    offer(checks, new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));`,
  );
  writeFileSync(
    join(root, 'worker.js'),
    `import { answerMessages } from '${shared}/checks.js';
    import { checks } from './lite-checks.js';
    answerMessages(checks);`,
  );
  writeFileSync(
    join(root, 'index.html'),
    `<!doctype html><html lang="en"><head><link rel="icon" href="data:," /><title>lite</title></head>
    <body><script type="module" src="./main.js"></script></body></html>`,
  );
}

export function expectClose(list: number[], expected: number[], tolerance: number): void {
  expect(list).toHaveLength(expected.length);
  for (const [i, p] of list.entries()) expect(Math.abs(p - expected[i])).toBeLessThan(tolerance);
}
