import type { Levels } from '../../../src/tfjs/train/degrade.js';
import { randomStream } from '../../../src/tfjs/train/random.js';

/** Levels 0..255, the same for the same size. */
export function noiseLevels(width: number, height: number, channels: number): Levels {
  const random = randomStream(width, height, channels);
  const data = Float32Array.from({ length: width * height * channels }, () => 255 * random());
  return { data, width, height, channels };
}
