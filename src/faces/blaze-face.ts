import { FerError } from '../errors.js';
import { loadTfjs } from '../load-tfjs.js';
import { type Assets, readAssetBytes, type ShippedFile, shippedAt } from '../platform/assets.js';
import type { PixelImage } from '../runtime.js';
import { type Anchors, decodeAnchors } from './decode-anchors.js';
import { loadedOnce } from './loaded-once.js';
import { mergeDetections } from './merge-detections.js';
import { enlarge, type ReducedImage, reduce } from './reduce.js';
import type { BuiltInDetector } from './types.js';

export interface BlazeFaceOptions {
  /**
   * Pixels to which the image's longer side is resized, a multiple of 32. Faces are found from some 25 of these pixels
   * on, so more finds smaller faces; time grows with its square.
   * @default 256 for images of up to 800 pixels, as cameras give; 320 for larger ones
   */
  inputSize?: number;
  /**
   * Least score of a face, in (0, 1).
   * @default 0.5
   */
  minScore?: number;
  /**
   * Where `blazeface.bin` lies, or its bytes.
   * @default the file in this package
   */
  assets?: Assets;
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
 * Finds faces by BlazeFace, MediaPipe's "back" network, on the backend that is current in TF.js (`wasm` unless
 * `useBackend` was called). Its weights (0.27 MB) come with this package and are read at the first call.
 *
 * @throws FerError `OPTION` for an option out of its range. `detect`: `DETECTOR_UNAVAILABLE` when the weights are not
 * found, `WEIGHTS_CORRUPT` when they are other ones, `DISPOSED`.
 * @example
 * const detector = blazeFaceDetector({ inputSize: 512 });
 * const faces = await classifyFaces('crowd.jpg', { detector });
 * detector.dispose();
 */
export function blazeFaceDetector(options: BlazeFaceOptions = {}): BuiltInDetector {
  const { inputSize, minScore = 0.5, assets } = options;
  if (inputSize !== undefined && !(Number.isInteger(inputSize / 32) && inputSize >= 64 && inputSize <= 2048)) {
    throw new FerError('OPTION', `inputSize must be a multiple of 32 from 64 to 2048, got ${inputSize}`);
  }
  if (!(minScore > 0 && minScore < 1)) throw new FerError('OPTION', `minScore must lie in (0, 1), got ${minScore}`);

  const network = loadedOnce(() => loadNetwork(assets));
  return {
    name: 'blazeface',
    framing: FRAMING,
    detect: (image) =>
      network.use(async ({ run }) => {
        const { pixels, height, width, scale } = padded(reduce(image, inputSize ?? sizeFor(image)));
        const found = decodeAnchors(await run(pixels, height, width), minScore);
        return enlarge(mergeDetections(found, OVERLAP), scale, image);
      }),
    dispose: network.dispose,
  };
}

// --- below this line: helpers of this file alone ---

/**
 * From `npm run detectors:calibrate`, on 2,629 FER+ training faces (found of 2,676); quartiles of the scale 1.056 and
 * 1.308, of down -0.126 and -0.028.
 */
const FRAMING = { scale: 1.157, right: 0, down: -0.075 };

/** Photos of more pixels tend to show more and smaller faces. */
function sizeFor({ width, height }: PixelImage): number {
  return Math.max(width, height) > 800 ? 320 : 256;
}

/** Least intersection over union of two boxes of one face, as MediaPipe has it. */
const OVERLAP = 0.3;

async function loadNetwork(assets: Assets | undefined): Promise<BlazeNetwork> {
  const bytes = await readAssetBytes(WEIGHTS, assets);
  const { currentBackend, blazeNetwork } = await loadTfjs();
  await currentBackend();
  return blazeNetwork(bytes);
}

/** The length of the weights: another file is none of them, such as a page that a server gives for any address. */
const BYTES = 269_408;

const WEIGHTS: ShippedFile = {
  name: 'blazeface.bin',
  shipped: () =>
    shippedAt(new URL('../../dist/faces/blazeface.bin', import.meta.url), 'dist/faces/blazeface.bin', import.meta.url),
  accept: ({ length }) => length === BYTES,
  code: 'DETECTOR_UNAVAILABLE',
};

/** Black below or beside the picture, up to a multiple of 32. */
function padded(image: ReducedImage): ReducedImage {
  const width = 32 * Math.ceil(image.width / 32);
  const height = 32 * Math.ceil(image.height / 32);
  if (width === image.width && height === image.height) return image;
  const pixels = new Float32Array(width * height * 3);
  for (let y = 0; y < image.height; y++) {
    pixels.set(image.pixels.subarray(3 * y * image.width, 3 * (y + 1) * image.width), 3 * y * width);
  }
  return { ...image, pixels, height, width };
}
