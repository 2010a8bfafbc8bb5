import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { Detection } from '../../src/lite.js';
import { type DrawnEntry, EXACT_BUILDS, expectGolden, facesHere, writeDrawn } from '../faces/drawn-file.js';
import { readGoldenFaces } from '../faces/golden-faces.js';
import { leftOut, NIGHT } from '../night.js';
import { engines } from './engines.js';
import { type PackagePage, packagePage } from './engines-page.js';
import { prepareSite } from './site.js';

const { folder } = inject('consumer');
const golden = readGoldenFaces();

declare const lite: typeof import('../../src/lite.js');

if (!NIGHT) leftOut('faces by every build of the module, but in the first engine', '1');

let pictures: DrawnEntry[];

beforeAll(async () => {
  await prepareSite(folder);
  pictures = writeDrawn(folder);
});

describe.each(engines)('faces in %s', (engine) => {
  let page: PackagePage;
  beforeAll(async () => {
    page = await packagePage(engine);
  });

  /** The faces on all pictures, by one build of the module, or by what the engine is given without a choice. */
  const facesThere = (build: string | null): Promise<Record<string, Detection[]>> =>
    page.evaluate(
      async (list: DrawnEntry[], file: string | null) => {
        const bytes = new Uint8Array(await (await fetch('drawn.bin')).arrayBuffer());
        const assets = file === null ? undefined : { [file]: `node_modules/fer-dcnn/dist/wasm/${file}` };
        const detector = lite.blazeFaceDetector({ inputSize: 256, assets });
        const found: Record<string, Detection[]> = {};
        for (const { name, at, width, height, channels } of list) {
          const data = bytes.subarray(at, at + width * height * channels);
          found[name] = await detector.detect({ data, width, height, channels });
        }
        detector.dispose();
        return found;
      },
      pictures,
      build === null ? null : `faces-${build}.wasm`,
    );

  test.runIf(NIGHT || engine === engines[0]).each(EXACT_BUILDS)(
    'are those of Node to the last bit (%s)',
    async (build) => {
      const found = await facesThere(build);
      expect(found).toEqual(await facesHere(build));
      expect(Object.values(found).flat().length).toBeGreaterThan(5);
    },
  );

  test('are those of TF.js, with the build that this engine gets', async () => {
    expectGolden(await facesThere(null), golden.drawn);
  });
});
