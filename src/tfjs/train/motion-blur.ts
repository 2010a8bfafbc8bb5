import type { Levels } from './degrade.js';

/**
 * Applies motion blur in place: the mean of seven copies of the picture, evenly spread over 4% to 14% of its width, in any
 * direction. Edges are continued outward.
 *
 * @param levels - [height,width,channels].
 * @param random - Numbers in [0, 1), two of which are drawn; the same numbers give the same result.
 */
export function motionBlur({ data, width, height, channels }: Levels, random: () => number): void {
  const angle = Math.PI * random();
  const length = (0.04 + 0.1 * random()) * width;
  const source = data.slice();
  data.fill(0);
  for (let tap = 0; tap < TAPS; tap++) {
    const along = (tap / (TAPS - 1) - 0.5) * length;
    addMoved({ data: source, width, height, channels }, along * Math.cos(angle), along * Math.sin(angle), data);
  }
}

const TAPS = 7;

/** Adds a seventh of the picture, shifted by a fraction of a pixel. */
function addMoved({ data, width, height, channels }: Levels, dx: number, dy: number, sums: Float32Array): void {
  const left = Math.floor(dx);
  const top = Math.floor(dy);
  const fx = dx - left;
  const fy = dy - top;
  const column = (x: number) => Math.min(width - 1, Math.max(0, x)) * channels;
  const row = (y: number) => Math.min(height - 1, Math.max(0, y)) * width * channels;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = row(y + top);
    const lower = row(y + top + 1);
    for (let x = 0; x < width; x++) {
      const x0 = column(x + left);
      const x1 = column(x + left + 1);
      for (let c = 0; c < channels; c++) {
        const above = data[upper + x0 + c] * (1 - fx) + data[upper + x1 + c] * fx;
        const below = data[lower + x0 + c] * (1 - fx) + data[lower + x1 + c] * fx;
        sums[to++] += (above * (1 - fy) + below * fy) / TAPS;
      }
    }
  }
}
