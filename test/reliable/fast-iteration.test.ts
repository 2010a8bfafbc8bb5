import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { classify, classifyFaces, evaluate, train } from '../../src/index.js';
import { loadModel, saveModel, toOnnx } from '../../src/node.js';
import { loadPretrained } from '../../src/weights.js';
import { smallFaces } from '../tfjs/train/small-faces.js';

/** What V8 assumes of built-in objects, to iterate, copy and await them quickly. One change ends it for the whole process. */
const ASSUMPTIONS = [
  'ArrayIteratorProtector',
  'ArraySpeciesProtector',
  'TypedArraySpeciesProtector',
  'PromiseSpeciesProtector',
  'StringIteratorProtector',
];

test('nothing that the library does makes V8 slow for the rest of the program', async () => {
  setFlagsFromString('--allow-natives-syntax');
  const holding = () => ASSUMPTIONS.filter((name) => runInThisContext(`%${name}()`));
  expect(holding()).toEqual(ASSUMPTIONS);

  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-fast-'));
  const [{ image }] = smallFaces();
  await classify(image);
  await classifyFaces(image);
  const model = await loadPretrained({ classes: 7 });
  await train(model, smallFaces(), { epochs: 1 });
  await evaluate(model, smallFaces());
  await saveModel(model, folder);
  await toOnnx(await loadModel(folder));
  rmSync(folder, { recursive: true });
  expect(holding()).toEqual(ASSUMPTIONS);
});
