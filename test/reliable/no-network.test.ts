import dns from 'node:dns';
import { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { buildModel, classify, classifyFaces, evaluate, preprocess, train, useBackend } from '../../src/index.js';
import { loadPretrained } from '../../src/weights.js';
import { smallFaces } from '../tfjs/train/small-faces.js';

afterEach(() => vi.restoreAllMocks());

test('nothing is fetched, resolved or connected to in Node', async () => {
  const connect = vi.spyOn(Socket.prototype, 'connect');
  const lookup = vi.spyOn(dns, 'lookup');
  const fetched = vi.spyOn(globalThis, 'fetch');
  const [{ image }] = smallFaces();
  for (const backend of ['simd', 'wasm', 'cpu']) {
    await useBackend(backend);
    expect(await classify(image)).toHaveLength(5);
  }
  await useBackend('wasm');
  (await preprocess(image)).dispose();
  await classifyFaces(image);
  (await loadPretrained()).dispose();
  const model = buildModel({ seed: 1 });
  await train(model, smallFaces(), { epochs: 1, batchSize: 8 });
  await evaluate(model, smallFaces());
  model.dispose();
  await expect(classify('https://example.com/face.jpg')).rejects.toMatchObject({ code: 'INPUT' });
  expect(connect).not.toHaveBeenCalled();
  expect(lookup).not.toHaveBeenCalled();
  // Files of the package may be asked for by fetch too, never by http.
  for (const [address] of fetched.mock.calls) expect(String(address)).toMatch(/^(file|data):/);
});
