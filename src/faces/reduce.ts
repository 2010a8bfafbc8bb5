import type { Box } from '../image/box.js';
import { resample } from '../image/resample.js';
import type { PixelImage } from '../runtime.js';
import type { Detection } from './types.js';

/** An image in the format of a detector's network. */
export interface ReducedImage extends ReducedSize {
  /** Levels 0..255, shape [height, width, 3]. */
  pixels: Float32Array;
}

export interface ReducedSize {
  height: number;
  width: number;
  /** Pixels of the original image per pixel of this one. */
  scale: number;
}

/** Resizes an image, or a part of it, so that its longer side has `longer` pixels; keeps the aspect ratio. */
export function reduce(image: PixelImage, longer: number, part?: Box): ReducedImage {
  const size = reducedSize(part ?? image, longer);
  const { width, height } = size;
  return { ...size, pixels: resample(image, { width, height, channels: 3, box: part }) };
}

/** The size that {@link reduce} gives. */
export function reducedSize({ width, height }: Pick<Box, 'width' | 'height'>, longer: number): ReducedSize {
  const scale = Math.max(width, height) / longer;
  return { scale, width: Math.max(Math.round(width / scale), 1), height: Math.max(Math.round(height / scale), 1) };
}

/** Converts detections on the reduced image to pixels of the image; drops those whose centre is outside. */
export function enlarge(detections: readonly Detection[], scale: number, image: PixelImage, part?: Box): Detection[] {
  const { x: left, y: top } = part ?? { x: 0, y: 0 };
  return detections
    .map(({ box, score, keypoints }) => ({
      box: {
        x: left + box.x * scale,
        y: top + box.y * scale,
        width: box.width * scale,
        height: box.height * scale,
      },
      score,
      ...(keypoints && {
        keypoints: keypoints.map(({ x, y, name }) => ({ x: left + x * scale, y: top + y * scale, name })),
      }),
    }))
    .filter(({ box }) => {
      const x = box.x + box.width / 2;
      const y = box.y + box.height / 2;
      return x >= 0 && y >= 0 && x < image.width && y < image.height;
    });
}
