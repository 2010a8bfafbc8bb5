/**
 * Measures the shipped weights: `npm run weights:evaluate [folder of labelled faces]`, by default
 * `../shared/ferplus/valid`. Prints the figures as JSON, including those under corruption.
 *
 * `npm run weights:evaluate -- --card` measures all sets of the model card again and writes the figures into
 * `weights/model.json`, the card and its pictures. The row "before quantisation" stays: those weights are not kept.
 * `npm run weights:evaluate -- --table` measures nothing: it writes the card and its pictures from the figures in `model.json`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { evaluate, useBackend } from '../src/index.js';
import { imageFolder } from '../src/node.js';
import { loadPretrained, pretrained } from '../src/weights.js';
import { type Metrics, writeCard } from './card.js';
import { corruptionFigures, figuresOf } from './figures.js';
import { measure } from './measure.js';
import { writePictures } from './pictures.js';
import { WEIGHTS_VERSION } from './settings.js';

const [argument = '../shared/ferplus/valid'] = process.argv.slice(2);
const known = pretrained.metrics as unknown as Metrics;
if (argument === '--table') {
  await writeFigures(known);
} else {
  await useBackend('wasm');
  const model = await loadPretrained();
  if (argument === '--card') {
    const [ferplus, photos, web] = ['../shared/ferplus', '../shared/photos', '../shared/web'];
    const metrics = { ...(await measure({ model, ferplus, photos, web })), float32: known.float32 };
    const json = JSON.parse(await readFile('weights/model.json', 'utf8'));
    Object.assign(json.userDefinedMetadata['fer-dcnn'], { version: WEIGHTS_VERSION, metrics });
    await writeFile('weights/model.json', `${JSON.stringify(json, null, 1)}\n`);
    await writeFigures(metrics);
  } else {
    const faces = imageFolder(argument);
    const figures = figuresOf(await evaluate(model, faces));
    console.log(JSON.stringify({ ...figures, corruptions: await corruptionFigures(model, faces) }, null, 1));
  }
}

async function writeFigures(metrics: Metrics): Promise<void> {
  await writeCard('weights/MODEL_CARD.md', metrics, { version: WEIGHTS_VERSION, sha256: pretrained.sha256 });
  await writePictures('weights', metrics);
}
