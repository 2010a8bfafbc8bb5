/**
 * Measures the shipped weights: `npm run weights:evaluate [folder of labelled faces]`, by default
 * `../shared/ferplus/valid`. Prints the figures as JSON, those under corruption too.
 */
import { evaluate, useBackend } from '../src/index.js';
import { imageFolder } from '../src/node.js';
import { loadPretrained } from '../src/weights.js';
import { corruptionFigures, figuresOf } from './figures.js';

await useBackend('wasm');
const faces = imageFolder(process.argv[2] ?? '../shared/ferplus/valid');
const model = await loadPretrained();
const figures = figuresOf(await evaluate(model, faces));
console.log(JSON.stringify({ ...figures, corruptions: await corruptionFigures(model, faces) }, null, 1));
