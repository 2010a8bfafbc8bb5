import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * The weights of BlazeFace (MediaPipe's "back" network, Apache-2.0) from the TF.js graph model in `@vladmandic/human`,
 * as one file in half precision, in the order of use: dist/faces/blazeface.bin, 269 KB instead
 * of 618 KB. `src/faces/blaze-network.ts` reads it.
 */
const models = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/human')), '../models');
const { weightsManifest } = JSON.parse(readFileSync(join(models, 'blazeface.json'), 'utf8'));
const bytes = readFileSync(join(models, 'blazeface.bin'));

const found = [];
let offset = 0;
for (const { name, shape, dtype } of weightsManifest[0].weights) {
  const size = shape.reduce((product, axis) => product * axis, 1);
  // Weights are numbered as the network uses them: unknown, unknown_0, unknown_1, ... The rest are shapes.
  const [, number = '-1'] = /^unknown_?(\d+)?$/.exec(name.split('/').at(-1)) ?? [];
  if (dtype === 'float32') found.push({ order: Number(number), size, offset });
  offset += 4 * size;
}
if (offset !== bytes.length)
  throw new Error(`blazeface.bin is ${bytes.length} bytes, its list of weights says ${offset}`);
found.sort((a, b) => a.order - b.order);

const halves = found.flatMap(({ size, offset }) =>
  Array.from({ length: size }, (_, k) => halfOf(bytes.readFloatLE(offset + 4 * k))),
);
mkdirSync('dist/faces', { recursive: true });
writeFileSync('dist/faces/blazeface.bin', Buffer.from(Uint16Array.from(halves).buffer));

/** The nearest half-precision number, as its bits (IEEE 754 binary16). */
function halfOf(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (!(size < 65504)) throw new Error(`${value} does not fit half precision`);
  // Below the least normal number, steps are equal: 2^-24.
  const exponent = Math.max(Math.floor(Math.log2(size || 2 ** -24)), -14);
  const mantissa = Math.round(size * 2 ** (10 - exponent));
  // A mantissa rounded up to 2048 carries into the exponent, as it should.
  return sign | (mantissa + ((exponent + 14) << 10));
}
