import { FerError, reasonOf } from '../errors.js';
import { boolean, fields, number, optionsOf } from '../options.js';
import type { PixelImage } from '../runtime.js';
import type { BuiltInDetector, Framing, Keypoint } from './types.js';

export interface NativeDetectorOptions {
  /**
   * Asks for speed rather than accuracy.
   * @default false
   */
  fastMode?: boolean;
  /**
   * How its boxes cover a face. The boxes come from the operating system, and differ between systems.
   * @default the boxes are used as crops
   */
  framing?: Framing;
}

/**
 * Finds faces with the browser's own `FaceDetector` (the Shape Detection API), without a download. It gives no scores, so every
 * face has score 1.
 *
 * @throws FerError from `detect`: `DETECTOR_UNAVAILABLE` if the browser or operating system has no detector.
 * @see https://wicg.github.io/shape-detection-api/
 * @example
 * const detector = 'FaceDetector' in globalThis ? nativeDetector() : blazeFaceDetector();
 */
export function nativeDetector(options: NativeDetectorOptions = {}): BuiltInDetector {
  checkOptions(options);
  const { fastMode = false, framing = { scale: 1, right: 0, down: 0 } } = options;
  let detector: NativeFaceDetector | undefined;
  let disposed = false;
  return {
    name: 'native',
    framing,
    async detect(image) {
      if (disposed) throw new FerError('DISPOSED', 'this detector has been disposed: create another');
      try {
        detector ??= new (classOf())({ fastMode });
        const found = await detector.detect(imageDataOf(image));
        return found.map(({ boundingBox: { x, y, width, height }, landmarks }) => ({
          box: { x, y, width, height },
          score: 1,
          keypoints: keypointsOf(landmarks ?? []),
        }));
      } catch (error) {
        if (error instanceof FerError) throw error;
        throw new FerError(
          'DETECTOR_UNAVAILABLE',
          `the browser's FaceDetector does not work here; blazeFaceDetector works everywhere: ${reasonOf(error)}`,
          { cause: error },
        );
      }
    },
    dispose() {
      disposed = true;
      detector = undefined;
    },
  };
}

const finite = number('a finite number', Number.isFinite);

const checkOptions = optionsOf<NativeDetectorOptions>('nativeDetector', () => ({
  fastMode: boolean,
  framing: fields<Framing>(
    { scale: number('a number above 0', (value) => value > 0 && Number.isFinite(value)), right: finite, down: finite },
    ...(['scale', 'right', 'down'] as const),
  ),
}));

interface NativeFaceDetector {
  detect(image: ImageData): Promise<{ boundingBox: DOMRectReadOnly; landmarks?: Landmark[] }[]>;
}

interface Landmark {
  type: string;
  locations: { x: number; y: number }[];
}

function classOf(): new (options: { fastMode: boolean }) => NativeFaceDetector {
  const { FaceDetector } = globalThis as { FaceDetector?: ReturnType<typeof classOf> };
  if (FaceDetector === undefined) {
    throw new FerError(
      'DETECTOR_UNAVAILABLE',
      'this browser has no FaceDetector of its own (Shape Detection API); blazeFaceDetector works everywhere',
    );
  }
  return FaceDetector;
}

/** The mean of each landmark's outline. The eye on the left of the picture is the person's right eye. */
function keypointsOf(landmarks: Landmark[]): Keypoint[] {
  const points = landmarks
    .filter(({ locations }) => locations.length > 0)
    .map(({ type, locations }) => ({
      name: type,
      x: locations.reduce((sum, { x }) => sum + x, 0) / locations.length,
      y: locations.reduce((sum, { y }) => sum + y, 0) / locations.length,
    }));
  const eyes = points.filter(({ name }) => name === 'eye').sort((a, b) => a.x - b.x);
  if (eyes.length === 2) {
    eyes[0].name = 'rightEye';
    eyes[1].name = 'leftEye';
  }
  return points;
}

function imageDataOf({ data, width, height, channels }: PixelImage): ImageData {
  const levels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) levels[4 * pixel + c] = data[pixel * channels + (channels === 1 ? 0 : c)];
    if (channels === 4) levels[4 * pixel + 3] = data[4 * pixel + 3];
  }
  return new ImageData(levels, width, height);
}
