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
   * The library, as `import * as faceapi from '@vladmandic/face-api'` gives it. In Node it is found by itself; in browsers
   * it is needed, for a bundler must see the import. Its default build there has a TF.js of its own, on a backend of its
   * own; `@vladmandic/face-api/dist/face-api.esm-nobundle.js` shares ours.
   */
  library?: FaceApi;
  /**
   * Where `tiny_face_detector_model-weights_manifest.json` and `tiny_face_detector_model.bin` lie, or their bytes. Needed in
   * browsers, where it is the package's `model` folder as you serve it.
   * @default in Node, the files in that package
   */
  assets?: Assets;
  /**
   * Pixels to which the image's longer side is reduced, a multiple of 32. More finds smaller faces; time grows with its
   * square.
   * @default 416
   */
  inputSize?: number;
  /**
   * Least score of a face, in (0, 1).
   * @default 0.5
   */
  minScore?: number;
}

/** What is used of `@vladmandic/face-api`. */
export interface FaceApi {
  readonly tf: unknown;
  readonly TinyFaceDetector: new () => {
    // biome-ignore lint/suspicious/noExplicitAny: the library's own types are of the TF.js that it was built with
    locateFaces(input: any, options: { inputSize: number; scoreThreshold: number }): Promise<FoundByFaceApi[]>;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    loadFromWeightMap(weights: any): void;
    dispose(): void;
  };
}

/** What is used of its TF.js. */
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
 * Finds faces by the tiny face detector of `@vladmandic/face-api`, which must be installed; in Node `@tensorflow/tfjs`
 * too, through which it shares our backend. It gives no keypoints: leaning faces are not turned.
 *
 * @throws FerError `OPTION` for an option out of its range. `detect`: `PACKAGE_MISSING` without the library,
 * `DETECTOR_UNAVAILABLE` when its model files are not found or are no such, `DISPOSED`.
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
        // It resizes by itself, and finds more faces on its own way of doing so.
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
  library: having('the library, as an import of it gives it', 'TinyFaceDetector'),
  assets: assetsRule,
  inputSize: number('a multiple of 32 from 128 to 2048', (size) => size % 32 === 0 && size >= 128 && size <= 2048),
  minScore: number('in (0, 1)', (score) => score > 0 && score < 1),
}));

/** From `npm run detectors:calibrate`, on 327 FER+ training faces; quartiles of the scale 0.952 and 1.124. */
const FRAMING = { scale: 1.051, right: 0.021, down: -0.072 };
/** The longer side up to which an image is given as it is: `resample`'s own bound. */
const LARGEST = 4096;
const PACKAGE = '@vladmandic/face-api';
const MODEL = 'tiny_face_detector_model';

async function loadNetwork(given: FaceApi | undefined, assets: Assets | undefined) {
  await (await loadTfjs()).currentBackend();
  const library = given ?? (await importLibrary());
  const tf = library.tf as TfOfFaceApi;
  // One of its own may have no backend yet.
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
  // In Node the build that takes TF.js from its packages; elsewhere whatever an import map says.
  const file = runtime.packageFile(`${PACKAGE}/dist/face-api.node-wasm.js`)?.href ?? PACKAGE;
  // A variable keeps bundlers from following a package that need not be there.
  const module = await importOptional(
    PACKAGE,
    () => import(/* @vite-ignore */ /* webpackIgnore: true */ file),
    'faceApiDetector (in a browser: given as its option library; in Node with @tensorflow/tfjs)',
  );
  return module.default ?? module;
}

async function modelFile(name: string, assets: Assets | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const shipped = runtime.packageFile(`${PACKAGE}/model/${name}`);
  // A server may answer any address with a page; neither file begins as one does.
  const accept = (bytes: Uint8Array) => bytes[0] !== 0x3c;
  return readAssetBytes(
    { name, shipped: () => (shipped === null ? [] : [shipped]), accept, code: 'DETECTOR_UNAVAILABLE' },
    assets,
  );
}
