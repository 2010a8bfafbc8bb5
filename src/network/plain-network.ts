import { floatsOf, type Weight } from './weight.js';
import { WEIGHT_SIZES } from './weight-sizes.js';

/** The network's forward pass in its own memory, made by {@link plainNetwork}. */
export interface PlainNetwork {
  /** Faces per run: 1. */
  faces: number;
  /** Shape [32,32]. */
  inputs: Float32Array;
  /** Probabilities of the five classes. */
  outputs: Float64Array;
  /** Output of the first dense layer, [256]. */
  hidden: Float64Array;
  /** Computes `outputs` from `inputs` without allocating memory. */
  run(): void;
  /** Copies the weights: kernel and bias of conv1, conv2, dense1 and dense2, in this order and in TF.js's layout. */
  setWeights(weights: readonly Weight[]): void;
}

/**
 * Makes the network of `buildModel()` in plain TypeScript, for engines where WebAssembly is missing or forbidden. Sums are
 * in double precision; its results equal those of the WebAssembly builds up to their rounding.
 *
 * Both convolutions use Winograd's minimal filtering F(2 x 2, 3 x 3), Y = A' [(G g G') * (B' d B)] A: its tile of 2 x 2
 * outputs is one cell of the max-pool that follows.
 *
 * @see Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016)
 */
export function plainNetwork(): PlainNetwork {
  const inputs = new Float32Array(32 * 32);
  const outputs = new Float64Array(5);
  // The first two have zero padding.
  const image = new Float64Array(34 * 34);
  const map = new Float64Array(18 * 18 * 32);
  const features = new Float64Array(8 * 8 * 32);
  const hidden = new Float64Array(256);
  const scratch = {
    tile: new Float64Array(16),
    tilesIn: new Float64Array(16 * 16 * 32),
    tilesOut: new Float64Array(16 * 16 * 32),
    // With room for three extra zeros.
    values: new Float64Array(2048 + 3),
    rows: new Int32Array(2048 + 3),
  };

  const weights = WEIGHT_SIZES.map((size) => new Float32Array(size));
  const filters = [new Float64Array(16 * 32), new Float64Array(16 * 32 * 32)];

  return {
    faces: 1,
    inputs,
    outputs,
    hidden,
    run() {
      for (let k = 0; k < 1024; k++) image[34 * (k >> 5) + (k & 31) + 35] = inputs[k];
      convolve(image, 1, filters[0], weights[1], map, 16, 1, scratch);
      convolve(map, 32, filters[1], weights[3], features, 8, 0, scratch);
      dense(features, weights[4], weights[5], hidden, scratch);
      dense(hidden, weights[6], weights[7], outputs, scratch);
      softmax(outputs);
    },
    setWeights(values) {
      weights.forEach((array, i) => {
        array.set(floatsOf(values[i]));
      });
      transformFilters(weights[0], 1, filters[0]);
      transformFilters(weights[2], 32, filters[1]);
    },
  };
}

interface Scratch {
  tile: Float64Array;
  tilesIn: Float64Array;
  tilesOut: Float64Array;
  values: Float64Array;
  rows: Int32Array;
}

/**
 * 3x3 convolution to 32 channels, bias, ReLU, 2x2 max-pool.
 *
 * @param source - Shape [2 * size + 2, 2 * size + 2, depth].
 * @param target - Shape [size + 2 * border, size + 2 * border, 32].
 */
function convolve(
  source: Float64Array,
  depth: number,
  filters: Float64Array,
  bias: Float32Array,
  target: Float64Array,
  size: number,
  border: number,
  { tile, tilesIn, tilesOut }: Scratch,
): void {
  const row = (2 * size + 2) * depth;
  // 16 tiles at a time: all their data stays in the cache.
  for (let first = 0; first < size * size; first += 16) {
    for (let t = 0; t < 16; t++) {
      const corner = 2 * Math.floor((first + t) / size) * row + 2 * ((first + t) % size) * depth;
      for (let channel = 0; channel < depth; channel++) {
        const from = corner + channel;
        const to = t * depth + channel;
        for (let j = 0; j < 4; j++) inputLine(source, from + j * depth, row, tile, j, 4);
        for (let i = 0; i < 4; i++) inputLine(tile, 4 * i, 1, tilesIn, to + 64 * i * depth, 16 * depth);
      }
    }
    multiply(tilesIn, depth, filters, tilesOut);
    for (let k = 0; k < 512; k++) {
      const cell = first + (k >> 5);
      const to = ((Math.floor(cell / size) + border) * (size + 2 * border) + (cell % size) + border) * 32 + (k & 31);
      for (let j = 0; j < 4; j++) outputLine(tilesOut, k + 512 * j, 2048, tile, j, 4);
      outputLine(tile, 0, 1, tile, 8, 1);
      outputLine(tile, 4, 1, tile, 10, 1);
      target[to] = Math.max(Math.max(tile[8], tile[9], tile[10], tile[11]) + bias[k & 31], 0);
    }
  }
}

/** B' d of one line of four. */
function inputLine(d: Float64Array, from: number, step: number, out: Float64Array, to: number, stride: number): void {
  const d0 = d[from];
  const d1 = d[from + step];
  const d2 = d[from + 2 * step];
  const d3 = d[from + 3 * step];
  out[to] = d0 - d2;
  out[to + stride] = d1 + d2;
  out[to + 2 * stride] = d2 - d1;
  out[to + 3 * stride] = d1 - d3;
}

/** A' m of one line of four. */
function outputLine(m: Float64Array, from: number, step: number, out: Float64Array, to: number, stride: number): void {
  const sum = m[from + step] + m[from + 2 * step];
  const difference = m[from + step] - m[from + 2 * step];
  out[to] = m[from] + sum;
  out[to + stride] = difference - m[from + 3 * step];
}

/** For each of the 16 places: [16 tiles][depth] times [depth][32]; 4 tiles by 2 outputs at a time. */
function multiply(tilesIn: Float64Array, depth: number, filters: Float64Array, tilesOut: Float64Array): void {
  for (let line = 0; line < 256; line += 4) {
    for (let o = 0; o < 32; o += 2) {
      let a0 = 0;
      let a1 = 0;
      let b0 = 0;
      let b1 = 0;
      let c0 = 0;
      let c1 = 0;
      let d0 = 0;
      let d1 = 0;
      let w = (32 * (line >> 4) + o) * depth;
      for (let k = line * depth; k < (line + 1) * depth; k++) {
        const w0 = filters[w++];
        const w1 = filters[w++];
        const a = tilesIn[k];
        const b = tilesIn[k + depth];
        const c = tilesIn[k + 2 * depth];
        const d = tilesIn[k + 3 * depth];
        a0 += a * w0;
        a1 += a * w1;
        b0 += b * w0;
        b1 += b * w1;
        c0 += c * w0;
        c1 += c * w1;
        d0 += d * w0;
        d1 += d * w1;
      }
      const to = 32 * line + o;
      tilesOut[to] = a0;
      tilesOut[to + 1] = a1;
      tilesOut[to + 32] = b0;
      tilesOut[to + 33] = b1;
      tilesOut[to + 64] = c0;
      tilesOut[to + 65] = c1;
      tilesOut[to + 96] = d0;
      tilesOut[to + 97] = d1;
    }
  }
}

/**
 * ReLU, then a dense layer without activation. Inputs that ReLU sets to 0 are skipped; the others are processed four at a time.
 *
 * @param kernel - Shape [inputs, outputs].
 */
function dense(
  inputs: Float64Array,
  kernel: Float32Array,
  bias: Float32Array,
  outputs: Float64Array,
  { values, rows }: Scratch,
): void {
  const columns = outputs.length;
  let count = 0;
  for (let k = 0; k < inputs.length; k++) {
    // The list includes NaN.
    if (inputs[k] <= 0) continue;
    values[count] = inputs[k];
    rows[count++] = k * columns;
  }
  values.fill(0, count, count + 3);
  rows.fill(0, count, count + 3);
  outputs.set(bias);
  for (let k = 0; k < count; k += 4) {
    const a = values[k];
    const b = values[k + 1];
    const c = values[k + 2];
    const d = values[k + 3];
    const rowA = rows[k];
    const rowB = rows[k + 1];
    const rowC = rows[k + 2];
    const rowD = rows[k + 3];
    for (let o = 0; o < columns; o++) {
      outputs[o] += a * kernel[rowA + o] + b * kernel[rowB + o] + c * kernel[rowC + o] + d * kernel[rowD + o];
    }
  }
}

/** In place. */
function softmax(values: Float64Array): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < 5; k++) top = Math.max(top, values[k]);
  let total = 0;
  for (let k = 0; k < 5; k++) {
    values[k] = Math.exp(values[k] - top);
    total += values[k];
  }
  for (let k = 0; k < 5; k++) values[k] /= total;
}

/** Transforms filters [3,3,depth,32] to G g G', [16,16,depth,2]. */
function transformFilters(kernel: Float32Array, depth: number, filters: Float64Array): void {
  const g = [1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1];
  filters.fill(0);
  for (let place = 0; place < 16; place++) {
    for (let tap = 0; tap < 9; tap++) {
      const factor = g[3 * (place >> 2) + Math.floor(tap / 3)] * g[3 * (place & 3) + (tap % 3)];
      for (let k = 0; k < depth * 32; k++) {
        // Pairs of outputs are contiguous.
        const to = ((16 * place + ((k & 31) >> 1)) * depth + (k >> 5)) * 2 + (k & 1);
        filters[to] += factor * kernel[tap * depth * 32 + k];
      }
    }
  }
}
