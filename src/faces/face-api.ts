import { runtime } from '#runtime';
import { FerError, reasonOf } from '../errors.js';
import { loadTfjs } from '../load-tfjs.js';
import { having, number, optionsOf } from '../options.js';
import { type Assets, assetsRule, readAssetBytes } from '../platform/assets.js';
import { importOptional } from '../platform/import-optional.js';
import { loadedOnce } from './loaded-once.js';
import { enlarge, reduce } from './reduce.js';
import type { BuiltInDetector } from './types.js';

export interface FaceApiOptions {
  /**
   * The library, from `import * as faceapi from '@vladmandic/face-api'`. In Node it is found automatically; in browsers it is
   * required, because a bundler must see the import. Its default browser build contains its own TF.js and backend;
   * `@vladmandic/face-api/dist/face-api.esm-nobundle.js` shares ours.
   */
  library?: FaceApi;
  /**
   * The address of `tiny_face_detector_model-weights_manifest.json` and `tiny_face_detector_model.bin`, or their bytes. Required
   * in browsers: the address where you serve the package's `model` folder.
   * @default in Node, the files in that package
   */
  assets?: Assets;
  /**
   * Pixels to which the image's longer side is reduced, a multiple of 32. A larger size finds smaller faces; the time grows with
   * the square.
   * @default 416
   */
  inputSize?: number;
  /**
   * Minimum score of a face, in (0, 1).
   * @default 0.5
   */
  minScore?: number;
}

/** The parts of `@vladmandic/face-api` that are used. */
export interface FaceApi {
  readonly tf: unknown;
  readonly TinyFaceDetector: new () => {
    // biome-ignore lint/suspicious/noExplicitAny: the library's own types refer to the TF.js of its build
    locateFaces(input: any, options: { inputSize: number; scoreThreshold: number }): Promise<FoundByFaceApi[]>;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    loadFromWeightMap(weights: any): void;
    dispose(): void;
  };
}

/** The parts of its TF.js that are used. */
interface TfOfFaceApi {
  ready(): Promise<void>;
  tensor3d(values: Float32Array, shape: [number, number, number]): { dispose(): void };
  readonly io: { decodeWeights(bytes: ArrayBuffer, entries: unknown): unknown };
}

interface FoundByFaceApi {
  readonly score: number;
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/**
 * Finds faces with the tiny face detector of `@vladmandic/face-api`, which must be installed; in Node also `@tensorflow/tfjs`,
 * through which it shares our backend. It gives no keypoints, so rotated faces are not turned upright.
 *
 * @throws FerError `OPTION` for an option out of its range. `detect`: `PACKAGE_MISSING` without the library,
 * `DETECTOR_UNAVAILABLE` when its model files are missing or wrong, `DISPOSED`.
 * @example
 * const faces = await classifyFaces('party.jpg', { detector: faceApiDetector({ inputSize: 608 }) });
 * @example
 * import * as library from '@vladmandic/face-api';
 * const detector = faceApiDetector({ library, assets: '/face-api/model/' }); // in a browser
 */
export function faceApiDetector(options: FaceApiOptions = {}): BuiltInDetector {
  checkOptions(options);
  const { library, assets, inputSize = 416, minScore = 0.5 } = options;

  const network = loadedOnce(() => loadNetwork(library, assets));
  return {
    name: 'face-api',
    framing: FRAMING,
    detect: (image) =>
      network.use(async ({ net, tf }) => {
        // It resizes by itself, and finds more faces with its own method.
        const longer = Math.min(Math.max(image.width, image.height), LARGEST);
        const { pixels, height, width, scale } = reduce(image, longer);
        const tensor = tf.tensor3d(pixels, [height, width, 3]);
        try {
          const found = await net.locateFaces(tensor, { inputSize, scoreThreshold: minScore });
          const faces = found.map(({ score, box: { x, y, width, height } }) => ({
            score,
            box: { x, y, width, height },
          }));
          return enlarge(faces, scale, image);
        } finally {
          tensor.dispose();
        }
      }),
    dispose: network.dispose,
  };
}

const checkOptions = optionsOf<FaceApiOptions>('faceApiDetector', () => ({
  library: having('the imported library', 'TinyFaceDetector'),
  assets: assetsRule,
  inputSize: number('a multiple of 32 from 128 to 2048', (size) => size % 32 === 0 && size >= 128 && size <= 2048),
  minScore: number('in (0, 1)', (score) => score > 0 && score < 1),
}));

/** From `npm run detectors:calibrate`, on 327 FER+ training faces; quartiles of the scale 0.952 and 1.124. */
const FRAMING = { scale: 1.051, right: 0.021, down: -0.072 };
/** The longer side up to which an image is passed unchanged: the limit of `resample`. */
const LARGEST = 4096;
const PACKAGE = '@vladmandic/face-api';
const MODEL = 'tiny_face_detector_model';

async function loadNetwork(given: FaceApi | undefined, assets: Assets | undefined) {
  await (await loadTfjs()).currentBackend();
  const library = given ?? (await importLibrary());
  const tf = library.tf as TfOfFaceApi;
  // The library's own TF.js may not have a backend yet.
  await tf.ready();
  const manifest = await modelFile(`${MODEL}-weights_manifest.json`, assets);
  const weights = await modelFile(`${MODEL}.bin`, assets);
  const net = new library.TinyFaceDetector();
  try {
    const [{ weights: entries }] = JSON.parse(new TextDecoder().decode(manifest));
    net.loadFromWeightMap(tf.io.decodeWeights(weights.buffer, entries));
  } catch (error) {
    throw new FerError('DETECTOR_UNAVAILABLE', `${PACKAGE}'s model files cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return { net, tf, dispose: () => net.dispose() };
}

async function importLibrary(): Promise<FaceApi> {
  // In Node, the build that imports the TF.js packages; elsewhere, the import map decides.
  const file = runtime.packageFile(`${PACKAGE}/dist/face-api.node-wasm.js`)?.href ?? PACKAGE;
  // The variable hides the import from bundlers: the package may not be installed.
  const module = await importOptional(
    PACKAGE,
    () => import(/* @vite-ignore */ /* webpackIgnore: true */ file),
    'faceApiDetector (in a browser, pass it as the option library; in Node, with @tensorflow/tfjs)',
  );
  return module.default ?? module;
}

async function modelFile(name: string, assets: Assets | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const shipped = runtime.packageFile(`${PACKAGE}/model/${name}`);
  // A server may answer any address with a page; neither file begins like a page.
  const accept = (bytes: Uint8Array) => bytes[0] !== 0x3c;
  return readAssetBytes(
    { name, shipped: () => (shipped === null ? [] : [shipped]), accept, code: 'DETECTOR_UNAVAILABLE' },
    assets,
  );
}
