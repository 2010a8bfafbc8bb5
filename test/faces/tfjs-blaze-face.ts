import * as tf from '@tensorflow/tfjs-core';
import { blazeBlocks, readBlazeWeights } from '../../src/faces/blaze-weights.js';
import { type Anchors, decodeAnchors } from '../../src/faces/decode-anchors.js';
import { mergeDetections } from '../../src/faces/merge-detections.js';
import { enlarge, type ReducedImage, reduce } from '../../src/faces/reduce.js';
import type { Detection } from '../../src/faces/types.js';
import type { PixelImage } from '../../src/runtime.js';

/*
 * BlazeFace as this package ran it on TF.js before it had an engine of its own: what that one is compared with, and where
 * its golden numbers come from (scripts/golden-faces.ts).
 */

/** The detections of an image, on TF.js's current backend. */
export async function tfjsFaces(
  network: BlazeNetwork,
  image: PixelImage,
  inputSize: number,
  minScore: number,
): Promise<Detection[]> {
  const { pixels, height, width, scale } = padded(reduce(image, inputSize));
  return enlarge(mergeDetections(decodeAnchors(await network.run(pixels, height, width), minScore), 0.3), scale, image);
}

/** Black below or beside the picture, up to a multiple of 32. */
export function padded(image: ReducedImage): ReducedImage {
  const width = 32 * Math.ceil(image.width / 32);
  const height = 32 * Math.ceil(image.height / 32);
  if (width === image.width && height === image.height) return image;
  const pixels = new Float32Array(width * height * 3);
  for (let y = 0; y < image.height; y++) {
    pixels.set(image.pixels.subarray(3 * y * image.width, 3 * (y + 1) * image.width), 3 * y * width);
  }
  return { ...image, pixels, height, width };
}

/** BlazeFace made ready on TF.js's current backend. */
export interface BlazeNetwork {
  /**
   * Runs it on one picture, of any size in multiples of 32.
   *
   * @param pixels - Levels 0..255, shape [height, width, 3].
   * @returns What it says of each anchor; see {@link Anchors}.
   */
  run(pixels: Float32Array, height: number, width: number): Promise<Anchors[]>;
  dispose(): void;
}

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
    for (const { to: channels, stride } of blazeBlocks().slice(0, -1)) {
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

/** Shapes of all weights, in the order of use: filters are [height, width, in, out], depthwise ones [height, width, in, 1]. */
function shapes(): number[][] {
  return [
    [5, 5, 3, 24],
    [24],
    ...blazeBlocks().flatMap(({ from, to }) => [[3, 3, from, 1], [1, 1, from, to], [to]]),
    ...[96, 32, 6, 2].flatMap((outputs) => [[1, 1, 96, outputs], [outputs]]),
  ];
}

function readFilters(bytes: Uint8Array): tf.Tensor[] {
  const values = readBlazeWeights(bytes);
  return shapes().map((shape, index) => tf.tensor(values[index], shape));
}
