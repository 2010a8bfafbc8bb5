import { expect, inject, test } from 'vitest';
import type { Detection } from '../../src/lite.js';
import { EXACT_BUILDS, expectGolden, facesHere, writeDrawn } from '../faces/drawn-file.js';
import { readGoldenFaces } from '../faces/golden-faces.js';
import { rows } from '../night.js';
import { nodeJson } from './run-node.js';

const { folder } = inject('consumer');

/** The faces that the packed package finds in the Node that is tested; by one build, or by the fastest. */
function facesThere(build: string | null): Promise<Record<string, Detection[]>> {
  const file = `faces-${build}.wasm`;
  const assets = build === null ? undefined : { [file]: `node_modules/fer-dcnn/dist/wasm/${file}` };
  return nodeJson(
    'module',
    `import { readFileSync } from 'node:fs';
    import { blazeFaceDetector } from 'fer-dcnn/lite';
    const bytes = new Uint8Array(readFileSync('drawn.bin'));
    const detector = blazeFaceDetector({ inputSize: 256, assets: ${JSON.stringify(assets)} });
    const found = {};
    for (const { name, at, width, height, channels } of ${JSON.stringify(writeDrawn(folder))}) {
      const data = bytes.subarray(at, at + width * height * channels);
      found[name] = await detector.detect({ data, width, height, channels });
    }
    console.log(JSON.stringify(found));`,
    folder,
  );
}

test.each(rows(EXACT_BUILDS, 1))('every Node finds the same faces to the last bit (%s)', async (build) => {
  const found = await facesThere(build);
  expect(found).toEqual(await facesHere(build));
  expect(Object.values(found).flat().length).toBeGreaterThan(5);
});

test('every Node version finds the faces that TF.js finds, with its fastest build', async () => {
  expectGolden(await facesThere(null), readGoldenFaces().drawn);
});
