import { makeComplex, pairsOf } from './complex.js';
import { valuesOf } from './native.js';
import type { Kernel } from './override.js';

/** `FFT`, over the last axis. */
export const fft: Kernel = ({ inputs, backend }) => transform(backend, inputs.input, -1);

/** `IFFT`, over the last axis. */
export const ifft: Kernel = ({ inputs, backend }) => transform(backend, inputs.input, 1);

function transform(backend: unknown, input: { dataId: object; shape: number[] }, sign: 1 | -1) {
  const { shape } = input;
  const size = shape[shape.length - 1];
  const out = makeComplex(backend, shape);
  const [from, to] = valuesOf(backend, pairsOf({ ...input, dtype: 'complex64' }), pairsOf(out));
  const row = new Float64Array(2 * size);
  const result = new Float64Array(2 * size);
  const turns = turnsOf(size, sign);
  for (let start = 0; start < from.length; start += 2 * size) {
    for (let i = 0; i < row.length; i++) row[i] = from[start + i];
    fourier(row, 0, 1, result, 0, size, turns, 1);
    for (let i = 0; i < row.length; i++) to[start + i] = sign === 1 ? result[i] / size : result[i];
  }
  return out;
}

/** exp(sign * 2 pi i k / size) for every k, real and imaginary parts side by side. */
function turnsOf(size: number, sign: 1 | -1): Float64Array {
  const turns = new Float64Array(2 * size);
  for (let k = 0; k < size; k++) {
    turns[2 * k] = Math.cos((2 * Math.PI * k) / size);
    turns[2 * k + 1] = sign * Math.sin((2 * Math.PI * k) / size);
  }
  return turns;
}

/**
 * The transform of `size` numbers from `start`, `step` apart, into the same number of values from `at` (Cooley and Tukey, 1965,
 * for any factors of the size).
 *
 * @param turns - The roots of unity of the whole transform; this part uses every `every`-th of them.
 */
function fourier(
  from: Float64Array,
  start: number,
  step: number,
  to: Float64Array,
  at: number,
  size: number,
  turns: Float64Array,
  every: number,
): void {
  if (size === 1) {
    to[2 * at] = from[2 * start];
    to[2 * at + 1] = from[2 * start + 1];
    return;
  }
  const factor = smallestFactor(size);
  const part = size / factor;
  for (let f = 0; f < factor; f++) {
    fourier(from, start + f * step, step * factor, to, at + f * part, part, turns, every * factor);
  }
  const gathered = new Float64Array(2 * factor);
  for (let k = 0; k < part; k++) {
    for (let f = 0; f < factor; f++) {
      gathered[2 * f] = to[2 * (at + f * part + k)];
      gathered[2 * f + 1] = to[2 * (at + f * part + k) + 1];
    }
    for (let j = 0; j < factor; j++) {
      let re = 0;
      let im = 0;
      for (let f = 0; f < factor; f++) {
        const turn = 2 * every * ((f * (k + j * part)) % size);
        re += gathered[2 * f] * turns[turn] - gathered[2 * f + 1] * turns[turn + 1];
        im += gathered[2 * f] * turns[turn + 1] + gathered[2 * f + 1] * turns[turn];
      }
      to[2 * (at + j * part + k)] = re;
      to[2 * (at + j * part + k) + 1] = im;
    }
  }
}

function smallestFactor(size: number): number {
  for (let factor = 2; factor * factor <= size; factor++) if (size % factor === 0) return factor;
  return size;
}
