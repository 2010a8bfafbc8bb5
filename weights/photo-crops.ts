import { resample } from '../src/image/resample.js';
import type { PixelImage } from '../src/index.js';
import { randomStream } from '../src/tfjs/train/random.js';

/** Number of crops of a photo, by its class: rare classes get more, because most photos are happy or neutral. */
const COPIES = { angry: 6, happy: 1, sad: 6, neutral: 1, surprised: 4 };

/** The calibrated crop of a photo: its central two thirds. */
export const PHOTO_BOX = { x: 16, y: 16, width: 64, height: 64 };

/**
 * Crops of one photo, 48x48, grey: the calibrated one first, then others that are shifted by up to 12% and scaled by 0.85
 * to 1.2.
 *
 * @param photo - 96x96.
 * @param index - Index of the photo; the seed of its random crops.
 */
export function photoCrops(photo: PixelImage, emotion: keyof typeof COPIES, index: number): PixelImage[] {
  return Array.from({ length: COPIES[emotion] }, (_, copy) => {
    const random = randomStream(18, index, copy);
    const size = copy === 0 ? 64 : 64 * (0.85 + 0.35 * random());
    const around = () => (copy === 0 ? 0 : 64 * 0.12 * (2 * random() - 1));
    const box = { x: 48 - size / 2 + around(), y: 48 - size / 2 + around(), width: size, height: size };
    const data = Uint8ClampedArray.from(resample(photo, { width: 48, height: 48, box }), Math.round);
    return { data, width: 48, height: 48, channels: 1 };
  });
}
