import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * The weights of BlazeFace (MediaPipe's "back" network, Apache-2.0) from the TF.js graph model in `@vladmandic/human`,
 * as one file in half precision, in the order of use: dist/faces/blazeface.bin, 269 KB instead
 * of 618 KB. `src/faces/blaze-weights.ts` reads it.
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

const tensors = found.map(({ size, offset }) =>
  Float32Array.from({ length: size }, (_, k) => bytes.readFloatLE(offset + 4 * k)),
);
// After the first convolution: depthwise filter, pointwise filter and bias of each of 32 blocks.
for (let block = 0; block < 32; block++) balance(tensors[2 + 3 * block], tensors[3 + 3 * block]);

const halves = tensors.flatMap((values) => [...values].map(halfOf));
mkdirSync('dist/faces', { recursive: true });
writeFileSync('dist/faces/blazeface.bin', Buffer.from(Uint16Array.from(halves).buffer));

/**
 * Multiplies the depthwise filter of each channel by a power of two and divides its pointwise weights by it, so that both are of
 * like size. Results are the same; where they are rounded to integers (src/faces/assembly/integers.ts), less is lost.
 *
 * @param depthwise - [9, channels].
 * @param pointwise - [channels, outputs].
 */
function balance(depthwise, pointwise) {
  const channels = depthwise.length / 9;
  const outputs = pointwise.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    const before = Array.from({ length: 9 }, (_, k) => k * channels + channel);
    const after = Array.from({ length: outputs }, (_, k) => channel * outputs + k);
    const ratio =
      Math.hypot(...after.map((k) => pointwise[k])) /
      Math.sqrt(outputs) /
      Math.hypot(...before.map((k) => depthwise[k]));
    const power = 2 ** Math.round(Math.log2(ratio) / 2);
    // Not where half precision would lose digits.
    if (
      !Number.isFinite(power) ||
      !after.every((k) => floatOf(halfOf(pointwise[k] / power)) * power === floatOf(halfOf(pointwise[k])))
    )
      continue;
    if (!before.every((k) => floatOf(halfOf(depthwise[k] * power)) / power === floatOf(halfOf(depthwise[k])))) continue;
    for (const k of before) depthwise[k] *= power;
    for (const k of after) pointwise[k] /= power;
  }
}

/** The value of a half-precision number. */
function floatOf(bits) {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

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
