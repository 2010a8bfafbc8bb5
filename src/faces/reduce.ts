import { resample } from '../image/resample.js';
import type { PixelImage } from '../runtime.js';
import type { Detection } from './types.js';

/** An image as a detector's network takes it. */
export interface ReducedImage {
  /** Levels 0..255, shape [height, width, 3]. */
  pixels: Float32Array;
  height: number;
  width: number;
  /** Pixels of the image a pixel of this. */
  scale: number;
}

/** Resizes an image so that its longer side has `longer` pixels, its shape kept. */
export function reduce(image: PixelImage, longer: number): ReducedImage {
  const scale = Math.max(image.width, image.height) / longer;
  const width = Math.max(Math.round(image.width / scale), 1);
  const height = Math.max(Math.round(image.height / scale), 1);
  return { pixels: resample(image, { width, height, channels: 3 }), height, width, scale };
}

/** What was found on the reduced image, on the image itself; without those whose centre lies beside it. */
export function enlarge(detections: readonly Detection[], scale: number, image: PixelImage): Detection[] {
  return detections
    .map(({ box, score, keypoints }) => ({
      box: { x: box.x * scale, y: box.y * scale, width: box.width * scale, height: box.height * scale },
      score,
      ...(keypoints && { keypoints: keypoints.map(({ x, y, name }) => ({ x: x * scale, y: y * scale, name })) }),
    }))
    .filter(({ box }) => {
      const x = box.x + box.width / 2;
      const y = box.y + box.height / 2;
      return x >= 0 && y >= 0 && x < image.width && y < image.height;
    });
}
