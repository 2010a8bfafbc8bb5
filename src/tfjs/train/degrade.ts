/** Levels of one image, row by row, channels interleaved. */
export interface Levels {
  data: Float32Array;
  width: number;
  height: number;
  channels: number;
}

/**
 * Degrades a picture in place, like poor cameras and storage. It chooses one of four changes with equal probability, at a
 * random strength: blur, noise, JPEG compression, or reducing and enlarging again.
 *
 * | kind | from | to |
 * | --- | --- | --- |
 * | blur, Gaussian | sigma 0.4 pixels | 1.6 |
 * | noise, Gaussian | sigma 1% of the level range | 8% |
 * | JPEG | quality 60 | 10 |
 * | reduced | to 90% of width and height | 35% |
 *
 * @param levels - [height,width,channels].
 * @param range - The difference between black and white on the scale of `levels`.
 * @param random - Numbers in [0, 1); the same numbers give the same result.
 */
export function degrade(levels: Levels, range: number, random: () => number): void {
  const kind = Math.floor(4 * random());
  const strength = random();
  const between = (from: number, to: number) => from + (to - from) * strength;
  if (kind === 0) blur(levels, between(0.4, 1.6));
  else if (kind === 1) addNoise(levels, range * between(0.01, 0.08), random);
  else if (kind === 2) compress(levels, range, between(60, 10));
  else reduce(levels, between(0.9, 0.35));
}

type Matrix = Float64Array;

function blur(levels: Levels, sigma: number): void {
  const gaussian = (size: number) => {
    const bell = Float64Array.from({ length: size }, (_, d) => Math.exp(-(d ** 2) / (2 * sigma * sigma)));
    // Weights too small to change any level.
    const weight = (d: number) => (bell[d] < 1e-12 ? 0 : bell[d]);
    return square(size, (to, from) => weight(Math.abs(to - from)));
  };
  separably(levels, gaussian(levels.width), gaussian(levels.height));
}

/** Reduces by the antialiased triangle filter of `resample` and enlarges by the plain one, combined in one matrix per axis. */
function reduce(levels: Levels, share: number): void {
  const reduced = (size: number) => through(size, Math.max(1, Math.round(size * share)));
  separably(levels, reduced(levels.width), reduced(levels.height));
}

/** From `size` pixels to `small` and back, [size,size]. */
function through(size: number, small: number): Matrix {
  const key = `${size} ${small}`;
  const known = reductions.get(key);
  if (known !== undefined) return known;
  const down = triangle(size, small);
  const up = triangle(small, size);
  const both = new Float64Array(size * size);
  for (let to = 0; to < size; to++) {
    for (let by = 0; by < small; by++) {
      for (let from = 0; from < size; from++) both[to * size + from] += up[to * small + by] * down[by * size + from];
    }
  }
  // Training pictures have only a few sizes.
  if (reductions.size === 200) reductions.clear();
  reductions.set(key, both);
  return both;
}

const reductions = new Map<string, Matrix>();

function addNoise({ data }: Levels, sigma: number, random: () => number): void {
  for (let i = 0; i < data.length; i += 2) {
    // Box and Muller, 1958: two normal numbers from two uniform ones.
    const radius = sigma * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    data[i] += radius * Math.cos(angle);
    if (i + 1 < data.length) data[i + 1] += radius * Math.sin(angle);
  }
}

/**
 * Applies the loss of JPEG compression, with every channel as luma: the cosine coefficients of 8x8 blocks are rounded to the
 * steps of ITU-T T.81, table K.1, scaled by quality as in libjpeg.
 */
function compress({ data, width, height, channels }: Levels, range: number, quality: number): void {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  const steps = LUMA_STEPS.map((step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))));
  const block = new Float64Array(64);
  const half = new Float64Array(64);
  for (let channel = 0; channel < channels; channel++) {
    for (let top = 0; top < height; top += 8) {
      for (let left = 0; left < width; left += 8) {
        for (let i = 0; i < 64; i++) {
          const y = Math.min(height - 1, top + (i >> 3));
          const x = Math.min(width - 1, left + (i & 7));
          block[i] = (data[(y * width + x) * channels + channel] / range) * 255 - 128;
        }
        cosines(block, half, COSINES, COSINES_TRANSPOSED);
        for (let i = 0; i < 64; i++) block[i] = Math.round(block[i] / steps[i]) * steps[i];
        cosines(block, half, COSINES_TRANSPOSED, COSINES);
        for (let i = 0; i < 64; i++) {
          const y = top + (i >> 3);
          const x = left + (i & 7);
          if (y < height && x < width) data[(y * width + x) * channels + channel] = ((block[i] + 128) / 255) * range;
        }
      }
    }
  }
}

/** block = left * block * right, all 8x8. */
function cosines(block: Float64Array, half: Float64Array, left: Matrix, right: Matrix): void {
  multiply8(left, block, half);
  multiply8(half, right, block);
}

function multiply8(a: Matrix, b: Matrix, out: Matrix): void {
  for (let row = 0; row < 64; row += 8) {
    for (let column = 0; column < 8; column++) {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += a[row + k] * b[8 * k + column];
      out[row + column] = sum;
    }
  }
}

/** Each row of pixels times `horizontal` [width,width], then each column times `vertical` [height,height]. */
function separably({ data, width, height, channels }: Levels, horizontal: Matrix, vertical: Matrix): void {
  const line = new Float64Array(Math.max(width, height));
  const along = (size: number, weights: Matrix, [first, end]: Bands, start: number, stride: number) => {
    for (let i = 0; i < size; i++) line[i] = data[start + i * stride];
    for (let to = 0; to < size; to++) {
      let sum = 0;
      for (let from = first[to]; from < end[to]; from++) sum += weights[to * size + from] * line[from];
      data[start + to * stride] = sum;
    }
  };
  const across = bands(horizontal, width);
  const down = bands(vertical, height);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) along(width, horizontal, across, y * width * channels + channel, channels);
    for (let x = 0; x < width; x++) along(height, vertical, down, x * channels + channel, width * channels);
  }
}

/** The first and last nonzero weight of each row. */
type Bands = [first: Uint16Array, end: Uint16Array];

function bands(weights: Matrix, size: number): Bands {
  const [first, end] = [new Uint16Array(size), new Uint16Array(size)];
  for (let row = 0; row < size; row++) {
    while (weights[row * size + first[row]] === 0) first[row]++;
    end[row] = size;
    while (weights[row * size + end[row] - 1] === 0) end[row]--;
  }
  return [first, end];
}

function square(size: number, weight: (to: number, from: number) => number): Matrix {
  const weights = new Float64Array(size * size);
  for (let to = 0; to < size; to++)
    for (let from = 0; from < size; from++) weights[to * size + from] = weight(to, from);
  return rowsToSumOne(weights, size);
}

/** Weights of the triangle filter from `from` to `to` samples, [to,from]; see `resample`. */
function triangle(from: number, to: number): Matrix {
  const ratio = from / to;
  const reach = Math.max(ratio, 1);
  const weights = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * ratio;
    for (let k = 0; k < from; k++) weights[i * from + k] = Math.max(0, 1 - Math.abs(k + 0.5 - centre) / reach);
  }
  return rowsToSumOne(weights, from);
}

function rowsToSumOne(weights: Matrix, columns: number): Matrix {
  for (let start = 0; start < weights.length; start += columns) {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += weights[start + k];
    for (let k = 0; k < columns; k++) weights[start + k] /= sum;
  }
  return weights;
}

// biome-ignore format: the table as it is printed
const LUMA_STEPS = [
  16, 11, 10, 16, 24, 40, 51, 61,
  12, 12, 14, 19, 26, 58, 60, 55,
  14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77,
  24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

/** The orthonormal cosine basis (type II), [frequency,place]. */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const frequency = i >> 3;
  return (frequency === 0 ? Math.sqrt(1 / 8) : 0.5) * Math.cos(((2 * (i & 7) + 1) * frequency * Math.PI) / 16);
});

const COSINES_TRANSPOSED = Float64Array.from({ length: 64 }, (_, i) => COSINES[(i & 7) * 8 + (i >> 3)]);
