import type { Levels } from './degrade.js';

/**
 * Darkens one side of a picture in place, like a lamp beside the face or a hat brim above it.
 *
 * Levels are multiplied by 1 on the bright side and by 0.8 down to 0.2 on the dark one. The edge between them has
 * any direction, passes within a quarter of the picture from its centre, and is 10% to 80% of the picture wide.
 *
 * @param levels - [height,width,channels].
 * @param random - Numbers in [0, 1), four of which are drawn; the same numbers give the same shadow.
 */
export function shade({ data, width, height, channels }: Levels, random: () => number): void {
  const angle = 2 * Math.PI * random();
  const edge = (random() - 0.5) / 2;
  const darkness = 0.2 + 0.6 * random();
  const softness = 0.1 + 0.7 * random();
  const across = Math.cos(angle) / (softness * width);
  const down = Math.sin(angle) / (softness * height);
  const start = 0.5 - edge / softness - across * ((width - 1) / 2) - down * ((height - 1) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const t = Math.min(1, Math.max(0, start + across * x + down * y));
      const factor = 1 - darkness * t * t * (3 - 2 * t);
      const pixel = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) data[pixel + c] *= factor;
    }
  }
}
