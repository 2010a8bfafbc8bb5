import { FerError } from '../errors.js';
import { type Block, blazeBlocks, readBlazeWeights } from './blaze-weights.js';
import { type Anchors, decodeAnchors } from './decode-anchors.js';
import { type FaceEngine, gridsOf, OVERLAP } from './face-engine.js';
import { mergeDetections } from './merge-detections.js';
import { enlarge, reduce } from './reduce.js';

/**
 * BlazeFace in TypeScript, for engines without WebAssembly: the same results, about 30 times slower.
 *
 * @param weights - The content of `blazeface.bin`.
 * @throws FerError `WEIGHTS_CORRUPT` when the weights have another length.
 * @see Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, arXiv:1907.05047
 */
export function plainEngine(weights: Uint8Array): FaceEngine {
  let filters: Float32Array[] | undefined = readBlazeWeights(weights);
  let last: Anchors[] = [];
  return {
    find(image, { inputSize, minScore, part }) {
      if (filters === undefined) throw new FerError('DISPOSED', 'this face engine has been disposed');
      const { pixels, width, height, scale } = reduce(image, inputSize, part);
      last = run(filters, inputOf(pixels, width, height));
      return enlarge(mergeDetections(decodeAnchors(last, minScore), OVERLAP), scale, image, part);
    },
    anchors: () => last,
    dispose() {
      filters = undefined;
      last = [];
    },
  };
}

/** Numbers of shape [height, width, channels]. */
interface Map3D {
  values: Float32Array;
  width: number;
  height: number;
  channels: number;
}

/** Converts levels 0 .. 255 to -1 .. 1, padded with black on the right and below to a multiple of 32. */
function inputOf(levels: Float32Array, width: number, height: number): Map3D {
  const input = mapOf(32 * Math.ceil(width / 32), 32 * Math.ceil(height / 32), 3);
  input.values.fill(-1);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < 3 * width; k++) {
      input.values[3 * y * input.width + k] = Math.fround(levels[3 * y * width + k] / 127.5) - 1;
    }
  }
  return input;
}

function run(filters: Float32Array[], input: Map3D): Anchors[] {
  const blocks = blazeBlocks();
  let next = 2;
  let x = firstConvolution(input, filters[0], filters[1]);
  let fine = x;
  for (const [index, block] of blocks.entries()) {
    fine = x;
    const inner = depthwise(x, filters[next], block.stride);
    const around = index === blocks.length - 1 ? undefined : block.stride === 2 ? pooled(x) : x;
    x = pointwise(inner, filters[next + 1], filters[next + 2], block, around);
    next += 3;
  }
  const [coarsePlaces, places, coarseLogits, logits] = [x, fine, x, fine].map((features, head) =>
    dense(features, filters[next + 2 * head], filters[next + 2 * head + 1]),
  );
  const [fineGrid, coarseGrid] = gridsOf(input.width, input.height);
  return [
    { ...fineGrid, logits, places },
    { ...coarseGrid, logits: coarseLogits, places: coarsePlaces },
  ];
}

function mapOf(width: number, height: number, channels: number): Map3D {
  return { values: new Float32Array(width * height * channels), width, height, channels };
}

/** 5x5 filters with stride 2, padded by one pixel on the left and above, then ReLU. */
function firstConvolution(input: Map3D, filter: Float32Array, bias: Float32Array): Map3D {
  const output = mapOf(input.width / 2, input.height / 2, 24);
  const sums = new Float64Array(24);
  for (let y = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      sums.set(bias);
      for (let i = 0; i < 5; i++) {
        const row = 2 * y - 1 + i;
        if (row < 0 || row >= input.height) continue;
        for (let j = 0; j < 5; j++) {
          const column = 2 * x - 1 + j;
          if (column < 0 || column >= input.width) continue;
          for (let c = 0; c < 3; c++) {
            const value = input.values[(row * input.width + column) * 3 + c];
            const at = ((i * 5 + j) * 3 + c) * 24;
            for (let o = 0; o < 24; o++) sums[o] += value * filter[at + o];
          }
        }
      }
      writeReLU(output.values, (y * output.width + x) * 24, sums);
    }
  }
  return output;
}

/** Depthwise 3x3 filters; strided filters are padded only on the right and below. */
function depthwise(input: Map3D, filter: Float32Array, stride: 1 | 2): Map3D {
  const { width, height, channels, values } = input;
  const output = mapOf(width / stride, height / stride, channels);
  const pad = stride === 1 ? 1 : 0;
  const sums = new Float64Array(channels);
  for (let y = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      sums.fill(0);
      for (let i = 0; i < 3; i++) {
        const row = stride * y - pad + i;
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < 3; j++) {
          const column = stride * x - pad + j;
          if (column < 0 || column >= width) continue;
          const from = (row * width + column) * channels;
          const at = (i * 3 + j) * channels;
          for (let c = 0; c < channels; c++) sums[c] += values[from + c] * filter[at + c];
        }
      }
      output.values.set(sums, (y * output.width + x) * channels);
    }
  }
  return output;
}

/** 1x1 filters, bias, the residual connection (added to the first channels), ReLU. */
function pointwise(input: Map3D, filter: Float32Array, bias: Float32Array, { to }: Block, around?: Map3D): Map3D {
  const { width, height, channels, values } = input;
  const output = mapOf(width, height, to);
  const sums = new Float64Array(to);
  for (let pixel = 0; pixel < width * height; pixel++) {
    sums.set(bias);
    for (let c = 0; c < channels; c++) {
      const value = values[pixel * channels + c];
      for (let o = 0; o < to; o++) sums[o] += value * filter[c * to + o];
    }
    if (around) for (let c = 0; c < channels; c++) sums[c] += around.values[pixel * channels + c];
    writeReLU(output.values, pixel * to, sums);
  }
  return output;
}

/** 2x2 max-pool. */
function pooled({ values, width, height, channels }: Map3D): Map3D {
  const output = mapOf(width / 2, height / 2, channels);
  const line = width * channels;
  for (let y = 0, to = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      const corner = 2 * y * line + 2 * x * channels;
      for (let at = corner; at < corner + channels; at++, to++) {
        const upper = Math.max(values[at], values[at + channels]);
        output.values[to] = Math.max(upper, values[at + line], values[at + line + channels]);
      }
    }
  }
  return output;
}

/** The same filters for each cell. */
function dense({ values, channels }: Map3D, filter: Float32Array, bias: Float32Array): Float32Array {
  const cells = values.length / channels;
  const output = new Float32Array(cells * bias.length);
  for (let k = 0; k < output.length; k++) {
    const cell = Math.floor(k / bias.length);
    const o = k % bias.length;
    let sum = bias[o];
    for (let c = 0; c < channels; c++) sum += values[cell * channels + c] * filter[c * bias.length + o];
    output[k] = sum;
  }
  return output;
}

function writeReLU(to: Float32Array, at: number, sums: Float64Array): void {
  for (let o = 0; o < sums.length; o++) to[at + o] = Math.max(sums[o], 0);
}
