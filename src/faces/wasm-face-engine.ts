import { FerError, reasonOf } from '../errors.js';
import type { Box } from '../image/box.js';
import { BLOCK, copyPart } from '../image/copy-part.js';
import { resampleInto } from '../image/resample.js';
import type { PixelImage } from '../runtime.js';
import { checkBlazeWeights } from './blaze-weights.js';
import { POINTS } from './decode-anchors.js';
import { type FaceEngine, gridsOf, OVERLAP } from './face-engine.js';
import { enlarge, type ReducedSize, reducedSize } from './reduce.js';
import type { Detection } from './types.js';

/**
 * Starts BlazeFace on a compiled module. Each engine has about 2 MB of memory, and more for photos of many megapixels.
 *
 * @param weights - The content of `blazeface.bin`.
 * @throws FerError `BACKEND_UNAVAILABLE` for a wrong module, or one that does not start here;
 * `WEIGHTS_CORRUPT` when the weights have another length.
 */
export async function startWasmEngine(module: WebAssembly.Module, weights: Uint8Array): Promise<FaceEngine> {
  checkBlazeWeights(weights);
  let exports: FaceExports | undefined = await instantiate(module);
  let bytes = new Uint8Array(exports.memory.buffer);
  const size = { width: 0, height: 0 };
  let levels = new Float32Array(0);

  const staged = exports.stage(weights.length);
  if (staged === 0) throw noMemory();
  refresh(exports);
  bytes.set(weights, staged);
  exports.widen();

  function running(): FaceExports {
    if (exports === undefined) throw new FerError('DISPOSED', 'this face engine has been disposed');
    return exports;
  }

  /** A new view is needed after the memory has grown. */
  function refresh({ memory }: FaceExports): void {
    if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
  }

  /** Rows are copied in bands, so that few of them are in the memory and the cache. */
  function takePixels(running: FaceExports, image: PixelImage, part: Box, { width, height, scale }: ReducedSize): void {
    const stride = image.width * image.channels;
    const band = Math.max(Math.floor(BAND / stride), 2 * Math.ceil(scale) + 1);
    const room = Math.min(band, image.height) * stride + 2 * BLOCK;
    const { x, y } = part;
    // biome-ignore format: arguments grouped by meaning
    const pixels = running.frame(
      image.width, image.height, image.channels, x, y, part.width, part.height,
      width, height, room,
    );
    if (pixels === 0) throw noMemory();
    refresh(running);
    let end = 0;
    for (let from = 0; from < height; from = end) {
      const top = running.firstRow(from);
      for (end = from + 1; end < height && running.endRow(end) - top <= band; ) end++;
      const bottom = running.endRow(end - 1);
      const row = copyPart(image.data, top * stride, bottom * stride, bytes, pixels);
      running.pixelRows(from, end, row, top);
    }
  }

  /** Like `takePixels`, for images that the module does not resize. */
  function takeLevels(running: FaceExports, image: PixelImage, part: Box, { width, height }: ReducedSize): void {
    const count = width * height * 3;
    if (levels.length !== count) levels = new Float32Array(count);
    resampleInto(image, width, height, 3, part, levels);
    const at = running.room(4 * count);
    if (at === 0) throw noMemory();
    refresh(running);
    new Float32Array(bytes.buffer, at, count).set(levels);
    running.levelRows(0, height, at, width);
  }

  return {
    find(image, { inputSize, minScore, part = { x: 0, y: 0, width: image.width, height: image.height } }) {
      const module = running();
      const reduced = reducedSize(part, inputSize);
      size.width = 32 * Math.ceil(reduced.width / 32);
      size.height = 32 * Math.ceil(reduced.height / 32);
      if (!module.arrange(size.width, size.height)) throw noMemory();
      refresh(module);
      const fits = 2 * Math.ceil(reduced.scale) * image.width * image.channels <= LONGEST;
      if (module.resizes.value === 1 && fits) takePixels(module, image, part, reduced);
      else takeLevels(module, image, part, reduced);
      module.blackRows(reduced.height);

      const count = module.find(Math.log(minScore / (1 - minScore)), OVERLAP);
      if (count < 0) throw noMemory();
      if (count === 0) return [];
      const numbers = new Float64Array(module.memory.buffer, module.found.value, count * DETECTION);
      return enlarge(detectionsOf(numbers), reduced.scale, image, part);
    },

    anchors() {
      const module = running();
      let index = 0;
      return gridsOf(size.width, size.height).map(({ rows, columns, stride, perCell }) => {
        const logits = new Float32Array(rows * columns * perCell);
        const places = new Float32Array(16 * logits.length);
        for (let anchor = 0; anchor < logits.length; anchor++, index++) {
          const numbers = new Float64Array(module.memory.buffer, module.anchor(index), 17);
          const cell = Math.floor(anchor / perCell);
          const x = ((cell % columns) + 0.5) * stride;
          const y = (Math.floor(cell / columns) + 0.5) * stride;
          logits[anchor] = numbers[0];
          for (let k = 0; k < 16; k++) {
            const origin = k === 2 || k === 3 ? 0 : k % 2 === 0 ? x : y;
            places[16 * anchor + k] = numbers[1 + k] - origin;
          }
        }
        return { rows, columns, stride, perCell, logits, places };
      });
    },

    dispose() {
      exports = undefined;
      bytes = new Uint8Array(0);
    },
  };
}

interface FaceExports {
  memory: WebAssembly.Memory;
  resizes: WebAssembly.Global<'i32'>;
  found: WebAssembly.Global<'i32'>;
  stage(bytes: number): number;
  widen(): void;
  arrange(width: number, height: number): number;
  frame(...imageAndPartAndSize: number[]): number;
  room(bytes: number): number;
  firstRow(y: number): number;
  endRow(y: number): number;
  pixelRows(from: number, end: number, pixels: number, top: number): void;
  levelRows(from: number, end: number, levels: number, width: number): void;
  blackRows(from: number): void;
  find(leastLogit: number, overlap: number): number;
  anchor(index: number): number;
}

/** Numbers of a detection: score, box, six points. */
const DETECTION = 17;
/** Bytes of rows per call of the module, which then come from the second-level cache. */
const BAND = 2 ** 17;
/** Most bytes of image rows for one row of the input; above it, `resample` needs less memory. */
const LONGEST = 2 ** 24;

async function instantiate(module: WebAssembly.Module): Promise<FaceExports> {
  try {
    const { exports } = await WebAssembly.instantiate(module);
    if (!('widen' in exports && 'find' in exports)) throw new Error('it exports no face detector');
    return exports as unknown as FaceExports;
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `BlazeFace's module does not start here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function detectionsOf(numbers: Float64Array): Detection[] {
  return Array.from({ length: numbers.length / DETECTION }, (_, index) => {
    const at = index * DETECTION;
    const [score, x, y, width, height] = numbers.subarray(at, at + 5);
    return {
      box: { x, y, width, height },
      score,
      keypoints: POINTS.map((name, k) => ({ x: numbers[at + 5 + 2 * k], y: numbers[at + 6 + 2 * k], name })),
    };
  });
}

function noMemory(): FerError {
  return new FerError('TOO_LARGE', 'there is not enough memory to find faces on this image: make it smaller');
}
