import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  blazeFaceDetector,
  classifyFaces,
  createClassifier,
  type DetectedFace,
  type Emotion,
  type PixelImage,
} from '../../src/index.js';
import { ClassifierPool, type ClassifierPoolOptions } from '../../src/node.js';

const built = existsSync('dist/node/classifier-worker.cjs');
if (!built) console.warn('\n  !! SKIPPED: ClassifierPool runs the built worker; `npm run build` first.\n');

const PHOTOS = 'node_modules/@vladmandic/face-api/demo';
const photo = (name: string) => join(PHOTOS, name);
const pool = new ClassifierPool({ faces: true, workers: 2, batchSize: 2 });
afterAll(() => pool.close());

async function reduced(name: string): Promise<PixelImage> {
  const image = sharp(photo(name)).resize(480).removeAlpha().raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels: 3 };
}

describe.skipIf(!built)('ClassifierPool with faces', () => {
  test('gives what classifyFaces gives, number for number, in order', async () => {
    const grey: PixelImage = { data: new Uint8Array(64 * 64).fill(128), width: 64, height: 64, channels: 1 };
    const items = [photo('sample1.jpg'), grey, await reduced('sample4.jpg'), await reduced('sample5.jpg')];
    const results = await pool.classify(items);
    expect(results.map(({ item }) => item)).toEqual(items);
    const expected: DetectedFace[][] = [];
    for (const item of items) expected.push(await classifyFaces(item));
    expect(expected.map((faces) => faces.length)).toEqual([3, 0, 4, 5]);
    expect(results.map(({ faces }) => faces)).toEqual(expected);
  });

  test('takes only whole images, and reports what is wrong with others', async () => {
    const image = photo('sample1.jpg');
    const box = { x: 0, y: 0, width: 100, height: 100 };
    const [boxed, gone, fine] = await pool.classify([{ image, box }, 'gone.jpg', { image }]);
    expect([boxed.error?.code, gone.error?.code]).toEqual(['OPTION', 'NOT_FOUND']);
    expect(boxed.error?.message).toContain('leave out box');
    expect(fine.faces).toHaveLength(3);
  });

  test('topk, and options of how faces are found, are followed', async () => {
    const settings = { inputSize: 256, minScore: 0.7, maxFaces: 2 };
    const offsets = { angry: 1 };
    const other = new ClassifierPool({ faces: settings, workers: 1, offsets });
    const image = await reduced('sample5.jpg');
    const [{ faces }] = await other.classify([image], { topk: 2 });
    await other.close();
    const detector = blazeFaceDetector({ inputSize: 256, minScore: 0.7 });
    const classifier = createClassifier({ offsets });
    expect(faces).toEqual(await classifyFaces(image, { detector, classifier, maxFaces: 2, topk: 2 }));
    classifier.dispose();
    expect(faces?.map(({ predictions }) => predictions.length)).toEqual([2, 2]);
    detector.dispose();
  });
});

test('a wrong option faces is refused at once', () => {
  const refused: ClassifierPoolOptions[] = [
    { faces: 'yes' as never },
    { faces: { maxFaces: 0 } },
    { faces: { inputSize: 100 } },
  ];
  for (const options of refused) {
    expect(() => new ClassifierPool(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
  }
  expect(() => new ClassifierPool({ faces: { maxface: 1 } as never })).toThrow("did you mean 'maxFaces'?");
});

test('the type of a result follows the options', () => {
  const results = (made: { classify: (items: string[]) => Promise<unknown[]> }) => made.classify;
  expectTypeOf<Awaited<ReturnType<typeof pool.classify>>[number]['faces']>().toEqualTypeOf<
    DetectedFace<Emotion>[] | undefined
  >();
  const named = new ClassifierPool({ faces: { maxFaces: 1 }, classes: ['bored', 'attentive'] });
  type Faces = NonNullable<Awaited<ReturnType<typeof named.classify>>[number]['faces']>;
  expectTypeOf<Faces[number]['predictions'][number]['className']>().toEqualTypeOf<'bored' | 'attentive'>();
  const plain = new ClassifierPool({ workers: 1 });
  expectTypeOf<Awaited<ReturnType<typeof plain.classify>>[number]['faces']>().toEqualTypeOf<undefined>();
  expect(results(plain)).toBeTypeOf('function');
});
