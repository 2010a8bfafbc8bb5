import type { PixelImage } from '../../src/runtime.js';
import { noise } from '../golden-network.js';

/** Pictures without a photograph: the golden numbers of `golden-faces.json` are of these, by name. */
export const DRAWN: Record<string, () => PixelImage> = {
  'one face, 640x480, RGBA': () => drawn(640, 480, 4, [{ x: 320, y: 240, size: 110 }]),
  'one face, 333x501, RGB': () => drawn(333, 501, 3, [{ x: 140, y: 260, size: 80 }]),
  'two faces, 801x377, RGB': () =>
    drawn(801, 377, 3, [
      { x: 200, y: 180, size: 90 },
      { x: 560, y: 200, size: 110 },
    ]),
  'one face, 97x131, grey': () => drawn(97, 131, 1, [{ x: 48, y: 66, size: 30 }]),
  'a face over the edge, 640x360, RGB': () => drawn(640, 360, 3, [{ x: 55, y: 170, size: 100 }]),
  'a face half seen through, 320x240, RGBA': () => translucent(drawn(320, 240, 4, [{ x: 160, y: 120, size: 60 }])),
  'a small face, 801x600, RGB': () => drawn(801, 600, 3, [{ x: 500, y: 260, size: 20 }]),
  'noise, 640x480, RGBA': () => noisy(640, 480, 4, 1),
  'noise, 101x77, grey': () => noisy(101, 77, 1, 2),
  'noise, 1023x769, RGB': () => noisy(1023, 769, 3, 3),
  'noise, 47x211, RGB': () => noisy(47, 211, 3, 4),
  '1x1, RGB': () => noisy(1, 1, 3, 5),
  '8000x1, RGB': () => noisy(8000, 1, 3, 6),
  '1x8000, RGBA': () => noisy(1, 8000, 4, 7),
  '2x3, grey': () => noisy(2, 3, 1, 8),
};

interface Head {
  x: number;
  y: number;
  /** Half the width. */
  size: number;
}

/** Heads with hair, eyes, brows, nose and mouth, a little noise over all. */
export function drawn(width: number, height: number, channels: 1 | 3 | 4, heads: Head[]): PixelImage {
  const grain = noise(width * height, width + height);
  const data = new Uint8Array(width * height * channels).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let colour: number[] | undefined;
      for (const head of heads)
        colour = headColour((x + 0.5 - head.x) / head.size, (y + 0.5 - head.y) / head.size) ?? colour;
      const at = y * width + x;
      const noise = 12 * (grain[at] - 0.5);
      const red = (colour ? colour[0] : 90 + (40 * x) / width) + noise;
      const green = (colour ? colour[1] : 110 + (30 * y) / height) + noise;
      const blue = (colour ? colour[2] : 120) + noise;
      if (channels === 1) data[at] = (red + green + blue) / 3;
      else {
        data[at * channels] = red;
        data[at * channels + 1] = green;
        data[at * channels + 2] = blue;
      }
    }
  }
  return { data, width, height, channels };
}

/** What is seen of a head at a place in half widths from its centre; undefined beside it. */
function headColour(x: number, y: number): number[] | undefined {
  const side = Math.abs(x);
  if (side > 1.9 || y < -1.4) return undefined;
  const within = (cx: number, cy: number, rx: number, ry: number) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  if (within(0, -0.05, 1, 1.3)) {
    if (y < -0.75 - 0.2 * Math.cos(2 * x)) return [50, 35, 25];
    if (Math.hypot((side - 0.4) / 0.09, (y + 0.2) / 0.09) < 1) return [25, 20, 20];
    if (Math.hypot((side - 0.4) / 0.2, (y + 0.2) / 0.1) < 1) return [235, 230, 225];
    if (Math.abs(y + 0.42 - 0.1 * (side - 0.4)) < 0.045 && side > 0.18 && side < 0.65) return [60, 42, 32];
    if (within(0, 0.62, 0.36, 0.11)) return Math.abs(y - 0.62) < 0.02 ? [90, 30, 35] : [170, 85, 85];
    if (Math.hypot((side - 0.1) / 0.06, (y - 0.27) / 0.04) < 1) return [120, 75, 60];
    const shade = 1 - 0.28 * x * x - 0.1 * Math.max(y, 0) - (side < 0.12 && y > -0.2 && y < 0.3 ? -0.06 : 0);
    return [215, 165, 140].map((level) => level * shade);
  }
  if (within(0, 0, 1.12, 1.4) && y < 0.3) return [45, 32, 24];
  if (side < 0.5 && y > 0.9 && y < 1.6) return [180, 135, 112];
  if (side < 1.6 - 0.3 * Math.cos(x) && y >= 1.55) return [60, 70, 130];
  return undefined;
}

function translucent(image: PixelImage): PixelImage {
  const alpha = noise(image.width * image.height, 9);
  for (let k = 0; k < alpha.length; k++) image.data[4 * k + 3] = 150 + 106 * alpha[k];
  return image;
}

function noisy(width: number, height: number, channels: 1 | 3 | 4, phase: number): PixelImage {
  const values = noise(width * height * channels, phase);
  const data = new Uint8Array(values.length);
  for (let k = 0; k < data.length; k++) data[k] = 96 + 64 * values[k] + 90 * Math.sin(k * 0.013 * phase);
  return { data, width, height, channels };
}
