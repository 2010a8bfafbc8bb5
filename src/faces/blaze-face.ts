import { toPixels } from '../image/to-pixels.js';
import { number, optionsOf, type Rules, rule } from '../options.js';
import { type Assets, assetsRule, readAssetBytes, type ShippedFile, shippedAt } from '../platform/assets.js';
import type { PixelImage } from '../runtime.js';
import { BLAZE_BYTES } from './blaze-weights.js';
import type { FaceEngine } from './face-engine.js';
import { faceModule } from './face-module.js';
import { loadedOnce } from './loaded-once.js';
import { plainEngine } from './plain-face-engine.js';
import type { BuiltInDetector } from './types.js';
import { startWasmEngine } from './wasm-face-engine.js';

export interface BlazeFaceOptions {
  /**
   * Pixels to which the image's longer side is resized, a multiple of 32. A face must be at least about 25 of these
   * pixels wide, so a larger size finds smaller faces; the time grows with the square. `'crowd'` is 640, for many small faces; `'selfie'` is 128, for
   * a face that fills a third of the picture or more.
   * @default 256 for images of up to 800 pixels, such as camera frames; 320 for larger images
   */
  inputSize?: number | 'crowd' | 'selfie';
  /**
   * Minimum score of a face, in (0, 1).
   * @default 0.5
   */
  minScore?: number;
  /**
   * The address of `blazeface.bin` and of one of `faces-relaxed.wasm`, `faces-simd.wasm` and `faces-scalar.wasm`; or their
   * content.
   * @default the files in this package, with the fastest module that this engine runs
   */
  assets?: Assets;
}

/**
 * Finds faces with BlazeFace, MediaPipe's "back" network, in this package's own WebAssembly, without TF.js. Where WebAssembly
 * is missing or forbidden, it runs in JavaScript, about 30 times slower. Its weights (0.27 MB) are in this package and are
 * read at the first call.
 *
 * @throws FerError `OPTION` for an option out of its range. `detect`: `DETECTOR_UNAVAILABLE` when the weights are not
 * found, `WASM_UNREACHABLE` when the module is not, `WEIGHTS_CORRUPT` and `BACKEND_UNAVAILABLE` when they are wrong files,
 * `TOO_LARGE` when there is not enough memory, `DISPOSED`.
 * @example
 * const detector = blazeFaceDetector({ inputSize: 512 });
 * const faces = await classifyFaces('crowd.jpg', { detector });
 * detector.dispose();
 */
export function blazeFaceDetector(options: BlazeFaceOptions = {}): BuiltInDetector {
  checkOptions(options);
  return blazeFaceOf(() => blazeFaceFiles(options.assets), options);
}

/** The loaded files of BlazeFace. They can be sent to another thread. */
export interface BlazeFaceFiles {
  weights: Uint8Array;
  /** Null where WebAssembly is missing or forbidden. */
  module: WebAssembly.Module | null;
}

/**
 * Loads the files of BlazeFace.
 *
 * @throws FerError as {@link blazeFaceDetector}.
 */
export async function blazeFaceFiles(assets: Assets | undefined): Promise<BlazeFaceFiles> {
  const [weights, module] = await Promise.all([readAssetBytes(WEIGHTS, assets), faceModule(assets)]);
  return { weights, module };
}

/** BlazeFace with files that are loaded at its first use. */
export function blazeFaceOf(
  load: () => Promise<BlazeFaceFiles>,
  { inputSize: wanted, minScore = 0.5 }: Pick<BlazeFaceOptions, 'inputSize' | 'minScore'>,
): BuiltInDetector {
  const inputSize = sizeOf(wanted);
  const engine = loadedOnce(async (): Promise<FaceEngine> => {
    const { weights, module } = await load();
    return module === null ? plainEngine(weights) : startWasmEngine(module, weights);
  });
  return {
    name: 'blazeface',
    framing: FRAMING,
    detect: (image) =>
      engine.use(async ({ find }) => {
        const pixels = (await toPixels(image)) as PixelImage;
        return find(pixels, { inputSize: inputSize ?? sizeFor(pixels), minScore });
      }),
    detectIn: (image, part) =>
      engine.use(async ({ find }) =>
        find(image, { inputSize: Math.min(PART_SIZE, inputSize ?? PART_SIZE), minScore, part }),
      ),
    dispose: engine.dispose,
  };
}

/** Rules for the options of detection, also for other functions that use BlazeFace. */
export const blazeFaceRules = (): Rules<Pick<BlazeFaceOptions, 'inputSize' | 'minScore'>> => ({
  inputSize: rule(
    "'crowd', 'selfie', or a multiple of 32 from 64 to 2048",
    (size: unknown) =>
      ['crowd', 'selfie'].includes(size as string) ||
      (typeof size === 'number' && size % 32 === 0 && size >= 64 && size <= 2048),
  ),
  minScore: number('in (0, 1)', (score) => score > 0 && score < 1),
});

const checkOptions = optionsOf<BlazeFaceOptions>('blazeFaceDetector', () => ({
  assets: assetsRule,
  ...blazeFaceRules(),
}));

/**
 * From `npm run detectors:calibrate`, on 2,629 FER+ training faces (found of 2,676); quartiles of the scale 1.056 and
 * 1.308, of down -0.126 and -0.028.
 */
const FRAMING = { scale: 1.157, right: 0, down: -0.075 };

function sizeOf(inputSize: BlazeFaceOptions['inputSize']): number | undefined {
  if (inputSize === undefined) return undefined;
  const size = inputSize === 'crowd' ? 640 : inputSize === 'selfie' ? 128 : inputSize;
  return size;
}

/** Input size for a part around one face; the face is then about 60 pixels wide. */
const PART_SIZE = 128;

/** Larger photos tend to have more and smaller faces. */
function sizeFor({ width, height }: PixelImage): number {
  return Math.max(width, height) > 800 ? 320 : 256;
}

const WEIGHTS: ShippedFile = {
  name: 'blazeface.bin',
  shipped: () =>
    shippedAt(new URL('../../dist/faces/blazeface.bin', import.meta.url), 'dist/faces/blazeface.bin', import.meta.url),
  // A wrong file, such as a page that a server returns for any address.
  accept: ({ length }) => length === BLAZE_BYTES,
  code: 'DETECTOR_UNAVAILABLE',
};
