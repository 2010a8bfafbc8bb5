import sharp, { type Sharp } from 'sharp';
import type { Box } from '../src/image/box.js';
import { resample } from '../src/image/resample.js';
import type { PixelImage, Sample } from '../src/index.js';
import { augment } from '../src/tfjs/train/augment.js';
import { motionBlur } from '../src/tfjs/train/motion-blur.js';
import { randomStream } from '../src/tfjs/train/random.js';

/** A change that is common in real pictures but absent from FER2013's crops. */
export interface Corruption {
  name: string;
  mild: string;
  strong: string;
  apply(face: PixelImage, strength: 'mild' | 'strong', index: number): PixelImage | Promise<PixelImage>;
}

/** All corruptions, each mild and strong, for grey faces of any size. */
export const CORRUPTIONS: readonly Corruption[] = [
  {
    name: 'framed tighter',
    mild: 'the middle 90%',
    strong: 'the middle 80%',
    apply: (face, strength) => framed(face, strength === 'mild' ? 0.9 : 0.8, 0, 0),
  },
  {
    name: 'framed looser',
    mild: '110%, edges continued',
    strong: '125%, edges continued',
    apply: (face, strength) => framed(face, strength === 'mild' ? 1.1 : 1.25, 0, 0),
  },
  {
    name: 'shifted',
    mild: '5% in a random direction',
    strong: '10% in a random direction',
    apply(face, strength, index) {
      const angle = 2 * Math.PI * randomStream(1, index)();
      const far = strength === 'mild' ? 0.05 : 0.1;
      return framed(face, 1, far * Math.cos(angle), far * Math.sin(angle));
    },
  },
  {
    name: 'darker',
    mild: 'levels x 0.6',
    strong: 'levels x 0.25',
    apply: (face, strength) => levels(face, (level) => level * (strength === 'mild' ? 0.6 : 0.25)),
  },
  {
    name: 'less contrast',
    mild: 'x 0.5 about mid-grey',
    strong: 'x 0.2 about mid-grey',
    apply: (face, strength) => levels(face, (level) => 128 + (level - 128) * (strength === 'mild' ? 0.5 : 0.2)),
  },
  {
    name: 'overexposed',
    mild: 'gamma 0.65',
    strong: 'gamma 0.4',
    apply: (face, strength) => levels(face, power(strength === 'mild' ? 0.65 : 0.4)),
  },
  {
    name: 'underexposed',
    mild: 'gamma 1.6',
    strong: 'gamma 2.5',
    apply: (face, strength) => levels(face, power(strength === 'mild' ? 1.6 : 2.5)),
  },
  {
    name: 'half in shadow',
    mild: 'one side x 0.6',
    strong: 'one side x 0.25',
    apply(face, strength, index) {
      const angle = 2 * Math.PI * randomStream(3, index)();
      const dark = strength === 'mild' ? 0.6 : 0.25;
      return placed(face, (level, x, y) => {
        const along = (x - 0.5) * Math.cos(angle) + (y - 0.5) * Math.sin(angle);
        const t = Math.min(1, Math.max(0, 0.5 + along / 0.3));
        return level * (1 - (1 - dark) * t);
      });
    },
  },
  {
    name: 'darker skin, simulated',
    mild: 'gamma 1.5 inside an ellipse',
    strong: 'gamma 2.2 inside, contrast x 0.6',
    apply(face, strength) {
      const [gamma, contrast] = strength === 'mild' ? [1.5, 1] : [2.2, 0.6];
      const skin = power(gamma);
      const mean = meanOf(face, skin);
      return placed(face, (level, x, y) => {
        const outside = ((x - 0.5) / 0.45) ** 2 + ((y - 0.52) / 0.55) ** 2;
        const share = Math.min(1, Math.max(0, (1.15 - outside) / 0.3));
        return level + share * (mean + (skin(level) - mean) * contrast - level);
      });
    },
  },
  {
    name: 'turned',
    mild: '8 degrees, either way',
    strong: '15 degrees, either way',
    apply(face, strength, index) {
      const angle = (index % 2 === 0 ? 1 : -1) * (strength === 'mild' ? 8 : 15);
      const { data, width, height } = face;
      const out = new Float32Array(data.length);
      const stream = [0.5, angle > 0 ? 1 - 2 ** -32 : 0];
      const image = { data: Float32Array.from(data), width, height, channels: 1 };
      augment(image, 255, { rotation: Math.abs(angle) }, () => stream.shift() ?? 0.5, out);
      return { ...face, data: Uint8ClampedArray.from(out, Math.round) };
    },
  },
  {
    name: 'occluded',
    mild: 'a square of 20% of the width',
    strong: 'the mouth or the eyes',
    apply(face, strength, index) {
      const random = randomStream(4, index);
      const mean = meanOf(face);
      const [left, top, wide, high] =
        strength === 'mild'
          ? [0.8 * random(), 0.8 * random(), 0.2, 0.2]
          : index % 2 === 0
            ? [0.25, 0.65, 0.5, 0.22]
            : [0.1, 0.25, 0.8, 0.2];
      const inside = (x: number, y: number) => x >= left && x < left + wide && y >= top && y < top + high;
      return placed(face, (level, x, y) => (inside(x, y) ? mean : level));
    },
  },
  {
    name: 'motion blur',
    mild: '6% of the width, any direction',
    strong: '12% of the width, any direction',
    apply(face, strength, index) {
      const draws = [randomStream(5, index)(), ((strength === 'mild' ? 0.06 : 0.12) - 0.04) / 0.1];
      const { data, width, height } = face;
      const blurred = { data: Float32Array.from(data), width, height, channels: 1 };
      motionBlur(blurred, () => draws.shift()!);
      return { ...face, data: Uint8ClampedArray.from(blurred.data, Math.round) };
    },
  },
  {
    name: 'noise',
    mild: 'Gaussian, sigma 8',
    strong: 'Gaussian, sigma 20',
    apply(face, strength, index) {
      const random = randomStream(2, index);
      const sigma = strength === 'mild' ? 8 : 20;
      // Normal noise by Box and Muller, 1958.
      const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return levels(face, (level) => level + sigma * normal());
    },
  },
  {
    name: 'blur',
    mild: 'Gaussian, sigma 0.8 pixels',
    strong: 'Gaussian, sigma 1.6 pixels',
    apply: (face, strength) => through(face, (image) => image.blur(strength === 'mild' ? 0.8 : 1.6).png()),
  },
  {
    name: 'JPEG',
    mild: 'quality 40',
    strong: 'quality 12',
    apply: (face, strength) => through(face, (image) => image.jpeg({ quality: strength === 'mild' ? 40 : 12 })),
  },
  {
    name: 'small',
    mild: '28 pixels, enlarged again',
    strong: '18 pixels, enlarged again',
    apply(face, strength) {
      const size = strength === 'mild' ? 28 : 18;
      const small = resized(face, size, size);
      return resized(small, face.width, face.height);
    },
  },
];

/** Applies a corruption to each sample. */
export async function* corrupted(
  samples: AsyncIterable<Sample & { image: PixelImage }>,
  corruption: Corruption,
  strength: 'mild' | 'strong',
): AsyncGenerator<Sample> {
  let index = 0;
  for await (const sample of samples) {
    const { width, height } = sample.image;
    const grey = resized(sample.image, width, height);
    yield { ...sample, image: await corruption.apply(grey, strength, index++) };
  }
}

/** Crops a window of `size` times the face's size; its centre is moved by shares of width and height. */
function framed(face: PixelImage, size: number, right: number, down: number): PixelImage {
  const { width, height } = face;
  const x = ((1 - size) / 2 + right) * width;
  const y = ((1 - size) / 2 + down) * height;
  return resized(face, width, height, { x, y, width: size * width, height: size * height });
}

function resized(face: PixelImage, width: number, height: number, box?: Box): PixelImage {
  const data = Uint8ClampedArray.from(resample(face, { width, height, box }), Math.round);
  return { data, width, height, channels: 1 };
}

function meanOf({ data }: PixelImage, of = (level: number) => level): number {
  let sum = 0;
  for (const level of data) sum += of(level);
  return sum / data.length;
}

function power(gamma: number): (level: number) => number {
  return (level) => 255 * (level / 255) ** gamma;
}

/** Changes each level depending on its position: x and y run from 0 (left, top) to 1. */
function placed(face: PixelImage, change: (level: number, x: number, y: number) => number): PixelImage {
  const { data, width, height } = face;
  const changed = Uint8ClampedArray.from(data, (level, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    return Math.round(change(level, x / width, y / height));
  });
  return { ...face, data: changed };
}

function levels(face: PixelImage, change: (level: number) => number): PixelImage {
  return { ...face, data: Uint8ClampedArray.from(face.data, (level) => Math.round(change(level))) };
}

async function through(face: PixelImage, encode: (image: Sharp) => Sharp): Promise<PixelImage> {
  const { width, height } = face;
  const encoded = await encode(sharp(face.data, { raw: { width, height, channels: 1 } })).toBuffer();
  return { ...face, data: await sharp(encoded).toColourspace('b-w').raw().toBuffer() };
}
