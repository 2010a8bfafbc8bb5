import type { Detection, FaceDetector } from '../faces/types.js';
import type { Box } from '../image/box.js';
import { intersectionOverUnion } from '../image/box.js';
import type { PixelImage } from '../runtime.js';

/** Finds faces in consecutive pictures of one video. */
export interface FaceFollower {
  /** The detector for the picture at a time, ms. */
  detectorAt(time: number): FaceDetector;
}

/**
 * Searches the whole picture every `detectEvery` ms, and on the pictures between only crops around the last faces. If a face is
 * not found again, or there are so many faces that crops are not faster, it searches the whole picture.
 *
 * @param detectorOf - Returns the face detector, at the first picture.
 */
export function faceFollower(detectorOf: () => FaceDetector, detectEvery: number): FaceFollower {
  let last: Detection[] = [];
  let searched = Number.NEGATIVE_INFINITY;
  let size = '';

  async function searchAll(detector: FaceDetector, image: PixelImage, time: number): Promise<Detection[]> {
    const found = await detector.detect(image);
    searched = time;
    size = `${image.width}x${image.height}`;
    // The caller reports what is wrong with a user's detector.
    last = Array.isArray(found) ? found : [];
    return found;
  }

  /** Null if a face of the last picture is not found. */
  async function followAll(detector: Required<Pick<FaceDetector, 'detectIn'>>, image: PixelImage) {
    const faces: Detection[] = [];
    for (const { box } of last) {
      const overlap = (face: Detection) => intersectionOverUnion(face.box, box);
      const [face] = (await detector.detectIn(image, around(box))).sort((a, b) => overlap(b) - overlap(a));
      if (face === undefined || overlap(face) < SAME) return null;
      // Two faces of the last picture may have become one.
      if (faces.every((other) => intersectionOverUnion(other.box, face.box) < SAME)) faces.push(face);
    }
    return faces;
  }

  return {
    detectorAt(time) {
      const detector = detectorOf();
      if (detectEvery === 0 || detector.detectIn === undefined) return detector;
      const { name, framing } = detector;
      const follower = { detectIn: detector.detectIn.bind(detector) };
      return {
        name,
        framing,
        async detect(image) {
          const due = time - searched >= detectEvery || size !== `${image.width}x${image.height}`;
          if (due || last.length > MOST || last.some(({ box }) => !fits(around(box), image))) {
            return searchAll(detector, image, time);
          }
          const faces = await followAll(follower, image);
          if (faces === null) return searchAll(detector, image, time);
          last = faces;
          return faces;
        },
      };
    },
  };
}

/** Above this number, crops take longer than a whole camera picture. */
const MOST = 2;

/** Minimum intersection over union of a face in two pictures. */
const SAME = 0.3;

/** A square of twice the box's size, because a face moves less than that between pictures. */
function around({ x, y, width, height }: Box): Box {
  const side = 2 * Math.max(width, height);
  return { x: x + (width - side) / 2, y: y + (height - side) / 2, width: side, height: side };
}

/** Whether a crop saves time: a crop larger than the picture does not. */
function fits(part: Box, image: PixelImage): boolean {
  return part.width <= Math.max(image.width, image.height);
}
