/**
 * Makes `test/faces/golden-faces.json`: the results of BlazeFace on TF.js's `wasm` backend, which the engine of this package
 * must reproduce. `npm run build:wasm && npx tsx scripts/golden-faces.ts [folder of shared data]`.
 *
 * For drawn pictures and noise: every 41st logit and every 397th box number of the anchors. For pictures with faces: score, box and
 * points. For the photos in `node_modules` and in the shared data, only these numbers are stored.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { FACES } from '../examples/node-classify/faces.js';
import { reduce } from '../src/faces/reduce.js';
import type { Detection } from '../src/faces/types.js';
import { toPixels } from '../src/image/to-pixels.js';
import { useBackend } from '../src/index.js';
import type { PixelImage } from '../src/runtime.js';
import { DRAWN } from '../test/faces/drawn-images.js';
import { flat, type GoldenFaces, sampled } from '../test/faces/golden-faces.js';
import { blazeNetwork, padded, tfjsFaces } from '../test/faces/tfjs-blaze-face.js';

const shared = process.argv[2] ?? '../shared';
await useBackend('wasm');
const network = blazeNetwork(new Uint8Array(readFileSync('dist/faces/blazeface.bin')));
const golden: GoldenFaces = { drawn: {}, demo: {}, valid: {} };

for (const [name, draw] of Object.entries(DRAWN)) {
  const image = draw();
  const { pixels, width, height } = padded(reduce(image, 256));
  const anchors = await network.run(pixels, height, width);
  golden.drawn[name] = { ...sampled(anchors), faces: rounded(await tfjsFaces(network, image, 256, 0.5)) };
  console.log(
    name,
    golden.drawn[name].faces.map(([score]) => score),
  );
}
for (const name of Object.keys(FACES)) {
  const image = (await toPixels(`node_modules/@vladmandic/face-api/demo/${name}`)) as PixelImage;
  golden.demo[name] = rounded(await tfjsFaces(network, image, 320, 0.5));
}
const photos = (await glob('photos/valid/**/*.jpg', { cwd: shared })).sort();
for (const path of photos.filter((_, index) => index % 3 === 0)) {
  const image = (await toPixels(resolve(shared, path))) as PixelImage;
  golden.valid[path] = rounded(await tfjsFaces(network, image, 128, 0.5));
}
console.log(Object.values(golden.valid).flat().length, 'faces on', Object.keys(golden.valid).length, 'small photos');
writeFileSync(
  'test/faces/golden-faces.json',
  `${JSON.stringify(golden).replaceAll(/("[^"]+":)(?=\{|\[\[)/g, '\n$1')}\n`,
);

function rounded(faces: Detection[]): number[][] {
  return faces.map((face) => flat(face).map((value, k) => Number(value.toFixed(k === 0 ? 6 : 3))));
}
