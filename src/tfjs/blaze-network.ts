import * as tf from '@tensorflow/tfjs-core';
import { FerError } from '../errors.js';
import type { BlazeNetwork } from '../faces/blaze-face.js';

/**
 * BlazeFace (MediaPipe's "back" network) on TF.js: a strided convolution, 31 blocks of a depthwise and a pointwise one
 * with a way around them, then the heads on grids of 16 and 32 pixels. It is convolution throughout, so that pictures of
 * any shape go through it whole.
 *
 * @param weights - The content of `blazeface.bin`: half precision, in the order of use.
 * @throws FerError `WEIGHTS_CORRUPT` when it is of another length.
 * @see Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, arXiv:1907.05047
 */
export function blazeNetwork(weights: Uint8Array): BlazeNetwork {
  const filters = readFilters(weights);

  function grids(pixels: Float32Array, height: number, width: number): tf.Tensor4D[] {
    let next = 0;
    const take = () => filters[next++] as tf.Tensor4D;
    const takeBias = () => filters[next++] as tf.Tensor1D;
    const convolve = (x: tf.Tensor4D, strides: 1 | 2, activation: 'relu' | 'linear') =>
      tf.fused.conv2d({ x, filter: take(), strides, pad: 'same', bias: takeBias(), activation });

    const image = tf.tensor4d(pixels, [1, height, width, 3]);
    let x = convolve(tf.sub(tf.div(image, 127.5), 1), 2, 'relu');
    for (const { channels, stride } of BLOCKS) {
      const inner = convolve(tf.depthwiseConv2d(x, take(), stride, 'same'), 1, 'linear');
      let around = stride === 2 ? tf.maxPool(x, 2, 2, 'same') : x;
      const more = channels - x.shape[3];
      if (more > 0) around = tf.pad4d(around, [[0, 0], [0, 0], [0, 0], [0, more]]); // biome-ignore format: one axis a pair
      x = tf.relu(tf.add(inner, around));
    }
    const coarse = convolve(tf.depthwiseConv2d(x, take(), 2, 'same'), 1, 'relu');
    const coarsePlaces = convolve(coarse, 1, 'linear');
    const places = convolve(x, 1, 'linear');
    const coarseLogits = convolve(coarse, 1, 'linear');
    return [convolve(x, 1, 'linear'), places, coarseLogits, coarsePlaces];
  }

  return {
    async run(pixels, height, width) {
      const tensors = tf.tidy(() => grids(pixels, height, width));
      try {
        const [logits, places, coarseLogits, coarsePlaces] = await Promise.all(
          tensors.map((tensor) => tensor.data<'float32'>()),
        );
        const grid = (stride: number, perCell: number) => ({
          rows: height / stride,
          columns: width / stride,
          stride,
          perCell,
        });
        return [
          { ...grid(16, 2), logits, places },
          { ...grid(32, 6), logits: coarseLogits, places: coarsePlaces },
        ];
      } finally {
        tf.dispose(tensors);
      }
    },
    dispose() {
      tf.dispose(filters);
    },
  };
}

// --- below this line: the weights ---

/** The blocks, 24 channels coming in. */
const BLOCKS: { channels: number; stride: 1 | 2 }[] = [24, 24, 48, 96].flatMap((channels, stage) =>
  Array.from({ length: stage === 0 ? 7 : 8 }, (_, k) => ({ channels, stride: stage > 0 && k === 0 ? 2 : 1 })),
);

/** Shapes of all weights, in the order of use: filters are [height, width, in, out], depthwise ones [height, width, in, 1]. */
function shapes(): number[][] {
  const list: number[][] = [[5, 5, 3, 24], [24]];
  const block = (from: number, to: number) => list.push([3, 3, from, 1], [1, 1, from, to], [to]);
  let from = 24;
  for (const { channels } of BLOCKS) {
    block(from, channels);
    from = channels;
  }
  block(96, 96);
  for (const outputs of [96, 32, 6, 2]) list.push([1, 1, 96, outputs], [outputs]);
  return list;
}

function readFilters(bytes: Uint8Array): tf.Tensor[] {
  const wanted = shapes();
  const sizeOf = (shape: number[]) => shape.reduce((product, axis) => product * axis, 1);
  const total = wanted.reduce((sum, shape) => sum + sizeOf(shape), 0);
  if (bytes.length !== 2 * total) {
    throw new FerError('WEIGHTS_CORRUPT', `BlazeFace's weights are ${bytes.length} bytes instead of ${2 * total}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  return wanted.map((shape) => {
    const values = new Float32Array(sizeOf(shape));
    for (let k = 0; k < values.length; k++, at += 2) values[k] = fromHalf(view.getUint16(at, true));
    return tf.tensor(values, shape);
  });
}

/** What the bits of a half-precision number stand for (IEEE 754 binary16); infinities do not occur. */
function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}
