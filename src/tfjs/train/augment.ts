import { boolean, fields, number, oneOf, type Rule } from '../../options.js';
import { augmentKernels } from './augment-kernels.js';
import { type AugmentOptions, REPORT_AUGMENTATION } from './augment-options.js';
import { degrade, type Levels } from './degrade.js';
import { motionBlur } from './motion-blur.js';
import { shade } from './shade.js';

/** Augmentations by name, as `fer-dcnn train --augment` has them. */
export const AUGMENTATIONS = {
  report: REPORT_AUGMENTATION,
  strong: {
    ...{ flip: true, rotation: 10, shift: 0.08, scale: 0.12, zoom: 0.05 },
    ...{ contrast: 0.2, brightness: 0.1, erasing: 0.25 },
  },
  none: null,
} satisfies Record<string, AugmentOptions | null>;

/** One of {@link AUGMENTATIONS}. */
export type AugmentationName = keyof typeof AUGMENTATIONS;

/**
 * Changes one image at random: first geometry in one bilinear warp with edges continued outward, then
 * levels, erasing, light and quality.
 *
 * @param range - The difference between black and white on the scale of `levels`: 255, or 1.
 * @param random - Numbers in [0, 1); the same numbers give the same result.
 * @param out - Receives the result: an array as long as `levels.data`, but not `levels.data` itself.
 */
export function augment(
  levels: Levels,
  range: number,
  options: AugmentOptions,
  random: () => number,
  out: Float32Array,
): void {
  const { flip = false, rotation = 0, shift = 0, zoom = 0, scale = 0, shear = 0 } = options;
  const { contrast = 0, brightness = 0, erasing = 0 } = options;
  const { width, height } = levels;
  const around = (extent: number) => (2 * random() - 1) * extent;

  // Every number is drawn even if it is not used, so that switching off one change does not alter the others.
  const mirrored = random() < 0.5 && flip;
  const angle = (around(rotation) * Math.PI) / 180;
  const shiftX = around(shift) * width;
  const shiftY = around(shift) * height;
  const together = 1 + around(scale);
  const zoomX = (1 + around(zoom)) * together;
  const zoomY = (1 + around(zoom)) * together;
  const slant = around(shear);
  const contrastFactor = 1 + around(contrast);
  const lift = around(brightness) * range;
  const erased = random() < erasing;

  if (mirrored || rotation || shift || zoom || scale || shear) {
    // From an output pixel to the place in the source that it shows: rotation x shear, then scale, then mirror.
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const sign = mirrored ? -1 : 1;
    const xx = (sign * cos) / zoomX;
    const xy = (sign * -Math.sin(angle + slant)) / zoomX;
    const yx = sin / zoomY;
    const yy = Math.cos(angle + slant) / zoomY;
    warp(levels, [xx, xy, shiftX, yx, yy, shiftY], out);
  } else {
    out.set(levels.data);
  }
  if (contrast || brightness) changeLevels(out, contrastFactor, lift);
  if (erased) erase(levels, out, random);
  // These draw no numbers when they are off, so that results without them do not depend on them.
  const changed = { ...levels, data: out };
  if (options.gamma) raise(out, range, (1 + options.gamma) ** around(1));
  if (options.shadow && random() < options.shadow) shade(changed, random);
  if (options.motionBlur && random() < options.motionBlur) motionBlur(changed, random);
  if (random() < (options.degrade ?? 0)) {
    degrade(changed, range, random);
    if (options.degradeAgain && random() < options.degradeAgain) degrade(changed, range, random);
  }
}

/** Rule for the option `augment`. */
export const augmentRule: Rule = (value, name) => {
  if (typeof value === 'string') oneOf(...Object.keys(AUGMENTATIONS))(value, name);
  else if (value !== null) augmentFields(value, name);
};

/** @throws FerError `OPTION` naming the field that is out of range. */
export function checkAugmentOptions(options: AugmentOptions): void {
  augmentFields(options, 'augment');
}

/** Affine inverse mapping about the centre: source x = cx + xx*(x-cx) + xy*(y-cy) + tx, and y likewise. */
type Mapping = [xx: number, xy: number, tx: number, yx: number, yy: number, ty: number];

function warp({ data, width, height, channels }: Levels, mapping: Mapping, out: Float32Array): void {
  const kernels = augmentKernels();
  if (kernels !== null) {
    const to = data.length + 1;
    kernels.reserve(4 * (to + data.length));
    kernels.floats.set(data);
    // The pixel after the last one: it is read with weight 0.
    kernels.floats[data.length] = 0;
    kernels.warp(0, width, height, channels, ...mapping, 4 * to);
    out.set(kernels.floats.subarray(to, to + data.length));
    return;
  }

  const [xx, xy, tx, yx, yy, ty] = mapping;
  const cx = (width - 1) / 2;
  const cy = (height - 1) / 2;
  const right = width - 1;
  const bottom = height - 1;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const rowX = cx + xy * (y - cy) + tx - xx * cx;
    const rowY = cy + yy * (y - cy) + ty - yx * cx;
    for (let x = 0; x < width; x++) {
      const sourceX = Math.min(right, Math.max(0, rowX + xx * x));
      const sourceY = Math.min(bottom, Math.max(0, rowY + yx * x));
      const x0 = Math.floor(sourceX);
      const y0 = Math.floor(sourceY);
      const fx = sourceX - x0;
      const fy = sourceY - y0;
      const top = y0 * width;
      const low = (y0 < bottom ? y0 + 1 : y0) * width;
      const x1 = x0 < right ? x0 + 1 : x0;
      for (let c = 0; c < channels; c++) {
        const a = data[(top + x0) * channels + c];
        const b = data[(top + x1) * channels + c];
        const d = data[(low + x0) * channels + c];
        const e = data[(low + x1) * channels + c];
        const upper = a + (b - a) * fx;
        out[to++] = upper + (d + (e - d) * fx - upper) * fy;
      }
    }
  }
}

function changeLevels(data: Float32Array, factor: number, lift: number): void {
  const kernels = augmentKernels();
  if (kernels !== null) {
    kernels.reserve(4 * data.length);
    kernels.floats.set(data);
    kernels.changeLevels(0, data.length, factor, lift);
    data.set(kernels.floats.subarray(0, data.length));
    return;
  }

  const mean = meanOf(data);
  for (let i = 0; i < data.length; i++) data[i] = mean + (data[i] - mean) * factor + lift;
}

/** Levels outside the range are clamped; the curve is linear between 256 points. */
function raise(data: Float32Array, range: number, power: number): void {
  const curve = Float64Array.from({ length: 257 }, (_, level) => range * (Math.min(level, 255) / 255) ** power);
  for (let i = 0; i < data.length; i++) {
    const level = Math.min(255, Math.max(0, (255 * data[i]) / range));
    const below = Math.floor(level);
    data[i] = curve[below] + (curve[below + 1] - curve[below]) * (level - below);
  }
}

function erase({ width, height, channels }: Levels, out: Float32Array, random: () => number): void {
  const mean = meanOf(out);
  const area = (0.02 + 0.18 * random()) * width * height;
  const aspect = Math.exp((2 * random() - 1) * Math.log(3));
  const wide = Math.min(width, Math.max(1, Math.round(Math.sqrt(area * aspect))));
  const high = Math.min(height, Math.max(1, Math.round(Math.sqrt(area / aspect))));
  const left = Math.floor(random() * (width - wide + 1));
  const top = Math.floor(random() * (height - high + 1));
  for (let y = top; y < top + high; y++) {
    out.fill(mean, (y * width + left) * channels, (y * width + left + wide) * channels);
  }
}

function meanOf(data: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  return sum / data.length;
}

const upTo = (limit: number) => number(`between 0 and ${limit}`, (value) => value >= 0 && value <= limit);

const augmentFields = fields<AugmentOptions>({
  flip: boolean,
  rotation: upTo(180),
  shift: upTo(1),
  zoom: upTo(1),
  scale: upTo(1),
  shear: upTo(Math.PI / 2),
  contrast: upTo(1),
  brightness: upTo(1),
  erasing: upTo(1),
  degrade: upTo(1),
  degradeAgain: upTo(1),
  gamma: upTo(3),
  shadow: upTo(1),
  motionBlur: upTo(1),
});
