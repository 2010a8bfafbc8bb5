import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { oneOf, type Rule } from '../options.js';
import { pixelKernels } from './pixel-kernels.js';

/** How levels 0..255 are converted to the inputs of a network. */
export type Normalization = (typeof NORMALIZATIONS)[number];

const NORMALIZATIONS = ['unit', 'standardize', 'localContrast'] as const;

/** Rule for the option `normalization`. */
export const normalizationRule: Rule = oneOf(...NORMALIZATIONS);

export interface NormalizeOptions {
  /**
   * - `'unit'`: level / 255.
   * - `'standardize'`: mean 0 and standard deviation 1 over the image.
   * - `'localContrast'`: mean 0 and standard deviation 1 around each pixel.
   * @default 'unit'
   */
  normalization?: Normalization;
  /**
   * Pixels per row.
   * @default 32
   */
  width?: number;
  /**
   * Channels, interleaved. `localContrast` treats each separately, `standardize` all together.
   * @default 1
   */
  channels?: number;
}

/**
 * Normalizes one image in place.
 *
 * With x = level / 255 and n = levels.length:
 * - `'unit'`: x.
 * - `'standardize'`: (x - mean(x)) / max(std(x), 1 / sqrt(n)), with the population std, like
 *   `tf.image.per_image_standardization`; an image of one colour gives zeros.
 * - `'localContrast'`: r = x - G(x), y = r / max(s, mean(s) / 2, 1e-4) with s = sqrt(G(r^2)). G is a Gaussian mean with
 *   sigma = 4 pixels cut off at 12 pixels, separable; at the borders only pixels inside the image count (normalized
 *   convolution). An image of one colour gives zeros. After Jarrett et al., "What is the best multi-stage architecture
 *   for object recognition?", ICCV 2009, section 2.
 *
 * Only additions, multiplications, divisions and square roots in double precision are used, so that all platforms give the same bits.
 *
 * @param levels - Levels 0..255, shape [height, width, channels]; overwritten.
 * @returns `levels`.
 * @throws FerError `OPTION` for an unknown normalization, `SHAPE` when the length is not a multiple of width * channels.
 * @example
 * const input = normalize(resample(photo), { normalization: 'standardize' });
 */
export function normalize<T extends Float32Array>(levels: T, options: NormalizeOptions = {}): T {
  const { normalization = 'unit', width = 32, channels = 1 } = options;
  return normalizeAs(levels, normalization, width, channels);
}

/** {@link normalize} with separate arguments, because an options object would be garbage in every frame. */
export function normalizeAs<T extends Float32Array>(
  levels: T,
  normalization: Normalization,
  width: number,
  channels: number,
): T {
  if (levels.length === 0 || levels.length % (width * channels) !== 0) {
    throw new FerError('SHAPE', `normalize expects rows of ${width} x ${channels} levels, got ${levels.length} levels`);
  }

  if (normalization === 'unit') unit(levels);
  else if (normalization === 'standardize') standardize(levels);
  else if (normalization === 'localContrast') localContrast(levels, width, channels);
  else {
    throw new FerError(
      'OPTION',
      `normalization must be 'unit', 'standardize' or 'localContrast', got ${describeInput(normalization)}`,
    );
  }
  return levels;
}

function unit(levels: Float32Array) {
  for (let k = 0; k < levels.length; k++) levels[k] = levels[k] / 255;
}

function standardize(levels: Float32Array) {
  const n = levels.length;
  // Differences from the first level are exact for 8-bit images, so that a constant image gives exact zeros.
  const origin = levels[0];
  let sum = 0;
  for (let k = 0; k < n; k++) sum += levels[k] - origin;
  const mean = sum / n;

  let squares = 0;
  for (let k = 0; k < n; k++) squares += (levels[k] - origin - mean) ** 2;
  const divisor = Math.max(Math.sqrt(squares / n), 255 / Math.sqrt(n));
  for (let k = 0; k < n; k++) levels[k] = (levels[k] - origin - mean) / divisor;
}

function localContrast(levels: Float32Array, width: number, channels: number) {
  const height = levels.length / (width * channels);
  const across = gaussian(width);
  const down = gaussian(height);
  const kernels = channels === 1 ? pixelKernels() : null;
  if (kernels !== null) {
    const at = 8 * (across.length + down.length + 4 * levels.length);
    kernels.reserve(at + 4 * levels.length);
    kernels.doubles.set(across, 0);
    kernels.doubles.set(down, across.length);
    kernels.floats.set(levels, at / 4);
    kernels.localContrast(at, width, height, 0, 8 * across.length, 8 * (across.length + down.length));
    for (let k = 0; k < levels.length; k++) levels[k] = kernels.floats[at / 4 + k];
    return;
  }

  const count = width * height;
  if (planes[0].length < count) planes = newPlanes(count);
  const [plane, mean, squared, turned] = planes;

  for (let c = 0; c < channels; c++) {
    const origin = levels[c];
    for (let k = 0; k < count; k++) plane[k] = (levels[k * channels + c] - origin) / 255;
    blurAndTurn(plane, width, height, across, turned);
    blurAndTurn(turned, height, width, down, mean);
    for (let k = 0; k < count; k++) {
      plane[k] -= mean[k];
      squared[k] = plane[k] * plane[k];
    }

    blurAndTurn(squared, width, height, across, turned);
    blurAndTurn(turned, height, width, down, squared);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      squared[k] = Math.sqrt(squared[k]);
      sum += squared[k];
    }
    const floor = Math.max(sum / count / 2, 1e-4);
    for (let k = 0; k < count; k++) levels[k * channels + c] = plane[k] / Math.max(squared[k], floor);
  }
}

/** Buffers that the next call reuses, as in resample.ts. */
let planes = newPlanes(0);

function newPlanes(count: number): Float64Array[] {
  return [0, 1, 2, 3].map(() => new Float64Array(count));
}

const RADIUS = 12;
const TAPS = 2 * RADIUS + 1;

/** exp(-1 / (2 sigma^2)) for sigma = 4. Written out because engines may differ in the last bit of Math.exp. */
const DECAY = 0.9692332344763441;

/** exp(-d^2 / (2 sigma^2)) for d = 0 .. RADIUS. */
const BELL = Float64Array.from({ length: RADIUS + 1 }, (_, d) => {
  let value = 1;
  for (let k = 0; k < d * d; k++) value *= DECAY;
  return value;
});

/** The weights of a line of pixels, [size, TAPS]: the weight of pixel i - RADIUS + t for pixel i is at [i, t]; each row sums to 1. */
function gaussian(size: number): Float64Array {
  return gaussians.get(size) ?? newGaussian(size);
}

function newGaussian(size: number): Float64Array {
  const weights = new Float64Array(size * TAPS);
  for (let i = 0; i < size; i++) {
    const inside = (t: number) => i - RADIUS + t >= 0 && i - RADIUS + t < size;
    let total = 0;
    for (let t = 0; t < TAPS; t++) if (inside(t)) total += BELL[Math.abs(t - RADIUS)];
    for (let t = 0; t < TAPS; t++) if (inside(t)) weights[i * TAPS + t] = BELL[Math.abs(t - RADIUS)] / total;
  }
  gaussians.set(size, weights);
  return weights;
}

const gaussians = new Map<number, Float64Array>();

/** Blurs the rows of [height, width] into the transpose, [width, height]: calling it twice blurs in both directions. */
function blurAndTurn(
  plane: Float64Array,
  width: number,
  height: number,
  weights: Float64Array,
  result: Float64Array,
): void {
  for (let i = 0; i < width; i++) {
    const from = Math.max(i - RADIUS, 0);
    const to = Math.min(i + RADIUS + 1, width);
    const first = i * TAPS + from - i + RADIUS;
    let y = 0;
    // Four rows at a time, so that sums do not wait for each other.
    for (; y + 3 < height; y += 4) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = from, w = first, at = y * width + from; k < to; k++, w++, at++) {
        const weight = weights[w];
        a += weight * plane[at];
        b += weight * plane[at + width];
        c += weight * plane[at + 2 * width];
        d += weight * plane[at + 3 * width];
      }
      result[i * height + y] = a;
      result[i * height + y + 1] = b;
      result[i * height + y + 2] = c;
      result[i * height + y + 3] = d;
    }
    for (; y < height; y++) {
      let sum = 0;
      for (let k = from, w = first, at = y * width + from; k < to; k++, w++, at++) sum += weights[w] * plane[at];
      result[i * height + y] = sum;
    }
  }
}
