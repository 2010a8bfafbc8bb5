import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PEERS_FILE, type Peer, readmeFigures } from '../../scripts/readme-figures.js';
import { evaluate, useBackend } from '../../src/index.js';
import { imageFolder } from '../../src/node.js';
import { fromFiles, toFiles } from '../../src/tfjs/model/artifacts.js';
import { loadPretrained, pretrained } from '../../src/weights.js';
import { cardTables, type Metrics } from '../../weights/card.js';
import { figuresOf } from '../../weights/figures.js';
import { cardPictures } from '../../weights/pictures.js';
import { WEIGHTS_VERSION } from '../../weights/settings.js';
import { leftOut, NIGHT } from '../night.js';
import { sharedPath } from '../shared.js';

const valid = sharedPath('ferplus/valid');
const metrics = pretrained.metrics as unknown as Metrics;

describe('the figures of the shipped weights', () => {
  test('in the model card are those that the weights carry', () => {
    expect(readFileSync('weights/MODEL_CARD.md', 'utf8')).toContain(cardTables(metrics, pretrained));
  });

  test('are of the version that the recipe names', () => {
    expect(pretrained.version).toBe(WEIGHTS_VERSION);
    expect(pretrained.sha256).toBe(createHash('sha256').update(readFileSync('weights/weights.bin')).digest('hex'));
  });

  test('in the pictures of the model card are those that the weights carry', async () => {
    for (const [name, picture] of Object.entries(await cardPictures(metrics))) {
      expect(readFileSync(`weights/${name}`, 'utf8') === picture, name).toBe(true);
    }
  });

  test('in the README are those that the weights carry and `npm run peers` measured', () => {
    const readme = readFileSync('README.md', 'utf8');
    expect(readmeFigures(readme)).toBe(readme);
    const { peers } = JSON.parse(readFileSync(PEERS_FILE, 'utf8')) as { peers: Peer[] };
    // Measured with these weights.
    expect(peers[0].accuracy).toBeCloseTo(metrics.accuracy, 3);
    expect(peers[0].macroRecall).toBeCloseTo(metrics.macroRecall, 3);
    expect(peers[0].weights).toBe(statSync('weights/weights.bin').size);
  });

  test.skipIf(valid === null || NIGHT)('are nearly those of every fifth face', async () => {
    leftOut('four of five validation faces of the shipped weights', '1');
    await useBackend('wasm');
    const faces = imageFolder(valid!);
    const fifth = faces.subset(Array.from({ length: Math.ceil(faces.length / 5) }, (_, i) => 5 * i));
    const figures = figuresOf(await evaluate(await loadPretrained(), fifth));
    expect(figures.count).toBe(Math.ceil(metrics.count / 5));
    // Three standard errors of as many faces.
    expect(Math.abs(figures.accuracy - metrics.accuracy)).toBeLessThan(0.05);
    expect(Math.abs(figures.macroRecall - metrics.macroRecall)).toBeLessThan(0.06);
  });

  test.skipIf(valid === null || !NIGHT)('are reproduced by measuring again', async () => {
    await useBackend('wasm');
    const figures = figuresOf(await evaluate(await loadPretrained(), imageFolder(valid!)));
    // Another CPU or kernel path may add in another order: one face of 3,421 is 0.0003.
    expect(Math.abs(figures.accuracy - metrics.accuracy)).toBeLessThan(0.001);
    expect(Math.abs(figures.macroRecall - metrics.macroRecall)).toBeLessThan(0.002);
    expect(Math.abs(figures.expectedCalibrationError - metrics.expectedCalibrationError)).toBeLessThan(0.002);
    expect(figures.count).toBe(metrics.count);
    for (const [name, { support, recall }] of Object.entries(metrics.classes)) {
      expect(figures.classes[name].support).toBe(support);
      expect(Math.abs(figures.classes[name].recall - recall)).toBeLessThan(0.007);
    }
  });

  test.skipIf(valid === null || !NIGHT)('with a step twice as coarse lose half a point', async () => {
    await useBackend('wasm');
    const model = await loadPretrained();
    const coarse = await fromFiles(toFiles(model, { quantize: 'uint8', quantizeStep: 0.4 }));
    const { accuracy, macroRecall } = await evaluate(coarse, imageFolder(valid!));
    expect(metrics.accuracy - accuracy).toBeLessThan(0.006);
    expect(metrics.macroRecall - macroRecall).toBeLessThan(0.006);
  });

  test('are above 0.70, the promise of the first release', () => {
    expect(metrics.accuracy).toBeGreaterThan(0.7);
  });

  test('lose less than 0.3 points by the 8-bit weights', () => {
    expect(Math.abs(metrics.float32.accuracy - metrics.accuracy)).toBeLessThan(0.003);
    expect(Math.abs(metrics.float32.macroRecall - metrics.macroRecall)).toBeLessThan(0.003);
  });
});
