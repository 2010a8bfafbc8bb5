import { afterEach, describe, expect, test } from 'vitest';
import { usePixelKernels } from '../../../src/image/pixel-kernels.js';
import { augment, checkAugmentOptions } from '../../../src/tfjs/train/augment.js';
import { type AugmentOptions, REPORT_AUGMENTATION } from '../../../src/tfjs/train/augment-options.js';
import { degrade, type Levels } from '../../../src/tfjs/train/degrade.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { noiseLevels } from './noise-levels.js';

afterEach(() => usePixelKernels('kernels'));

/** What each draw decides, in their order. */
const order = [
  'flip',
  'angle',
  'shiftX',
  'shiftY',
  'scale',
  'zoomX',
  'zoomY',
  'shear',
  'contrast',
  'brightness',
] as const;
type Draws = Partial<Record<(typeof order)[number] | 'erasing' | 'degrade', number>>;

describe('augment, draw by draw', () => {
  test.each<[string, AugmentOptions, Draws]>([
    ['flip', { flip: true }, { flip: 0.4999 }],
    ['rotation', { rotation: 40 }, { angle: 0.75 }],
    ['a shift across', { shift: 0.2 }, { shiftX: 0.8 }],
    ['a shift down', { shift: 0.2 }, { shiftY: 0.1 }],
    ['scale', { scale: 0.3 }, { scale: 0.2 }],
    ['zoom across', { zoom: 0.3 }, { zoomX: 0.9 }],
    ['zoom down', { zoom: 0.3 }, { zoomY: 0.9 }],
    ['shear', { shear: 0.4 }, { shear: 0.25 }],
    [
      'all of them',
      { flip: true, rotation: 40, shift: 0.2, scale: 0.3, zoom: 0.3, shear: 0.4 },
      { flip: 0, angle: 0.9, shiftX: 0.7, shiftY: 0.2, scale: 0.1, zoomX: 0.8, zoomY: 0.35, shear: 0.15 },
    ],
  ])('%s moves each pixel to where the matrices say, edges continued', (_, options, draws) => {
    for (const [width, height, channels] of [
      [11, 7, 3],
      [6, 9, 1],
      [1, 5, 1],
    ]) {
      const image = noiseLevels(width, height, channels);
      const expected = moved(image, options, { ...even, ...draws });
      for (const way of ['kernels', 'none'] as const) {
        usePixelKernels(way);
        const out = changed(image, options, draws);
        for (const [k, value] of out.entries()) expect(value, `${way}, level ${k}`).toBeCloseTo(expected[k], 2);
      }
    }
  });

  test('a draw of one half changes nothing, with any options', () => {
    const image = noiseLevels(9, 9, 1);
    const options = { flip: true, rotation: 40, shift: 0.2, scale: 0.3, zoom: 0.3, shear: 0.4, contrast: 0.5 };
    const out = changed(image, { ...options, brightness: 0.5, erasing: 0.5, degrade: 0.5 }, {});
    for (const [k, value] of out.entries()) expect(value).toBeCloseTo(image.data[k], 3);
  });

  test.each(['kernels', 'none'] as const)('contrast and brightness, by %s, scale about the mean and add', (way) => {
    usePixelKernels(way);
    const image = noiseLevels(5, 4, 3);
    const mean = [...image.data].reduce((sum, level) => sum + level, 0) / 60;
    // 1 + 0.4 * (2 * 0.75 - 1) is 1.2; 0.3 * (2 * 0.25 - 1) of 255 is -38.25.
    for (const [options, factor, lift] of [
      [{ contrast: 0.4 }, 1.2, 0],
      [{ brightness: 0.3 }, 1, -38.25],
      [{ contrast: 0.4, brightness: 0.3 }, 1.2, -38.25],
    ] as const) {
      const out = changed(image, options, { contrast: 0.75, brightness: 0.25 });
      for (const [k, level] of out.entries()) {
        expect(level).toBeCloseTo(mean + (image.data[k] - mean) * factor + lift, 3);
      }
    }
  });

  test.each<[string, AugmentOptions]>([
    ['moved', { shift: 0.5 }],
    ['lifted', { brightness: 0.5 }],
  ])('a picture of more than 64 KB is %s as a small one is', (_, options) => {
    // All of one level: wherever a pixel is taken from, it is the same.
    const large = { data: new Float32Array(150 * 150).fill(100), width: 150, height: 150, channels: 1 };
    const small = { data: new Float32Array(9).fill(100), width: 3, height: 3, channels: 1 };
    usePixelKernels('kernels');
    const [level] = changed(small, options, { shiftX: 0.75, brightness: 0.75 });
    usePixelKernels('kernels');
    expect(new Set(changed(large, options, { shiftX: 0.75, brightness: 0.75 }))).toEqual(new Set([level]));
  });

  test('brightness is a share of the range that the levels have', () => {
    const out = new Float32Array(2);
    augment(
      { data: Float32Array.of(0.25, 0.5), width: 2, height: 1, channels: 1 },
      1,
      { brightness: 0.2 },
      script({ brightness: 0.75 }),
      out,
    );
    expect([...out]).toEqual([expect.closeTo(0.35, 6), expect.closeTo(0.6, 6)]);
  });

  // The area is 2% and 18% of the draw, the sides as 3 to the power of -1..1; then the place, of all that fit.
  test.each<[string, [number, number, number], [number, number, number, number], [number, number, number, number]]>([
    // 24 pixels: 5 by 5, at 0.5 of 16 and 0.99 of 6 places.
    ['a square', [20, 10, 3], [5 / 9, 0.5, 0.5, 0.99], [8, 5, 5, 5]],
    // Twice the root of 3 wide as 24 pixels are: 6.4 by 3.7, at 0.99 of 15 and 0.5 of 7 places.
    ['a wide one', [20, 10, 3], [5 / 9, 0.75, 0.99, 0.5], [14, 3, 6, 4]],
    ['a high one', [20, 10, 1], [5 / 9, 0.25, 0, 0], [0, 0, 4, 6]],
    // 4.4 pixels of a row, 3.6 wide and 1.2 high.
    ['one in a single row', [40, 1, 1], [0.5, 1, 0.5, 0.5], [18, 0, 4, 1]],
    ['one no wider than the picture', [40, 1, 1], [1, 0, 0, 0.9], [0, 0, 2, 1]],
    ['one in a single column', [1, 40, 1], [1, 1, 0.9, 0.5], [0, 19, 1, 2]],
    ['one of at least a pixel', [2, 2, 3], [0, 0.5, 0.5, 0], [1, 0, 1, 1]],
  ])(
    'erasing fills %s with the mean and leaves the rest',
    (_, [width, height, channels], draws, [x, y, wide, high]) => {
      const image = noiseLevels(width, height, channels);
      const mean = [...image.data].reduce((sum, level) => sum + level, 0) / image.data.length;
      const expected = Array.from(image.data, (level, k) => {
        const [column, row] = [Math.floor(k / channels) % width, Math.floor(k / channels / width)];
        const inside = column >= x && column < x + wide && row >= y && row < y + high;
        return inside ? expect.closeTo(mean, 3) : level;
      });
      expect([...changed(image, { erasing: 0.2 }, { erasing: 0.1999 }, draws)]).toEqual(expected);
    },
  );

  test('erasing and degrading happen below their probability, not at it', () => {
    const image = noiseLevels(8, 8, 1);
    expect(changed(image, { erasing: 0.3 }, { erasing: 0.3 })).toEqual(image.data);
    expect(changed(image, { degrade: 0.3 }, { degrade: 0.3 })).toEqual(image.data);
    expect(changed(image, {}, { erasing: 0, degrade: 0 })).toEqual(image.data);
    expect(changed(image, { erasing: 0.3 }, { erasing: 0.299 })).not.toEqual(image.data);
    expect(changed(image, { degrade: 0.3 }, { degrade: 0.299 })).not.toEqual(image.data);
  });

  test('gamma raises levels to the drawn power, and clamps levels out of range', () => {
    const levels = { data: Float32Array.of(-10, 63.75, 127.5, 300), width: 4, height: 1, channels: 1 };
    const out = changed(levels, { gamma: 3 }, {}, [0.75]);
    // (1 + 3) ** (2 * 0.75 - 1) is 2.
    expect([...out]).toEqual([0, 255 / 16, 255 / 4, 255].map((level) => expect.closeTo(level, 2)));
  });

  test('shadow, motion blur and a second degradation happen below their probability, not at it, and draw nothing when off', () => {
    const image = noiseLevels(20, 20, 1);
    for (const option of ['shadow', 'motionBlur'] as const) {
      expect(changed(image, { [option]: 0.3 }, {}, [0.3])).toEqual(image.data);
      expect(changed(image, { [option]: 0.3 }, {}, [0.299, 0.1, 0.9, 0.9, 0.9])).not.toEqual(image.data);
    }
    const [once, twice, never] = [{ degrade: 1 }, { degrade: 1, degradeAgain: 1 }, { degrade: 1, degradeAgain: 0 }];
    const [a, b, c] = [once, twice, never].map((options) => {
      const out = new Float32Array(400);
      augment(image, 255, options, randomStream(5), out);
      return out;
    });
    expect(c).toEqual(a);
    expect(b).not.toEqual(a);
  });

  test('what is degraded is the changed picture, on its own scale', () => {
    const image = noiseLevels(10, 6, 3);
    const lifted = image.data.map((level) => level / 255 + 0.1);
    degrade({ ...image, data: lifted }, 1, randomStream(3));
    const out = new Float32Array(180);
    const unit = { ...image, data: image.data.map((level) => level / 255) };
    const [first, then] = [script({ brightness: 0.75, degrade: 0 }), randomStream(3)];
    let drawn = 0;
    augment(unit, 1, { brightness: 0.2, degrade: 1 }, () => (drawn++ < 12 ? first() : then()), out);
    for (const [k, level] of out.entries()) expect(level).toBeCloseTo(lifted[k], 5);
  });
});

test('the augmentation of the report: shear and zoom of 0.2, mirrored or not', () => {
  expect(REPORT_AUGMENTATION).toEqual({ shear: 0.2, zoom: 0.2, flip: true });
});

describe('checkAugmentOptions', () => {
  test.each<[keyof AugmentOptions, number]>([
    ['zoom', 1],
    ['scale', 1],
    ['shift', 1],
    ['contrast', 1],
    ['brightness', 1],
    ['erasing', 1],
    ['degrade', 1],
    ['degradeAgain', 1],
    ['gamma', 3],
    ['shadow', 1],
    ['motionBlur', 1],
    ['rotation', 180],
    ['shear', Math.PI / 2],
  ])('takes %s from 0 to %d, and says so of all else', (field, limit) => {
    for (const value of [0, limit / 2, limit, undefined]) {
      expect(checkAugmentOptions({ [field]: value })).toBeUndefined();
    }
    const words = new Map<unknown, string>([['0.5', "'0.5'"]]);
    for (const value of [-1e-9, limit + 1e-9, Number.NaN, Number.POSITIVE_INFINITY, '0.5', true, [7]]) {
      expect(() => checkAugmentOptions({ [field]: value })).toThrow(
        expect.objectContaining({
          code: 'OPTION',
          message: `augment.${field} must be between 0 and ${limit}, got ${words.get(value) ?? value}`,
        }),
      );
    }
  });

  test('takes no options at all', () => {
    expect(checkAugmentOptions({})).toBeUndefined();
  });
});

const even: Required<Draws> = {
  ...{ flip: 0.5, angle: 0.5, shiftX: 0.5, shiftY: 0.5, scale: 0.5, zoomX: 0.5, zoomY: 0.5, shear: 0.5 },
  ...{ contrast: 0.5, brightness: 0.5, erasing: 0.5, degrade: 0.5 },
};

/** The draws in their order; `between` are those that erasing, and then what changes the light and smears, take. */
function script(draws: Draws, between?: number[]): () => number {
  const all = { ...even, ...draws };
  const erased = between ?? (draws.erasing === undefined ? [] : [0.5, 0.5, 0.5, 0.5]);
  const numbers = [...order.map((name) => all[name]), all.erasing, ...erased, all.degrade];
  let next = 0;
  return () => numbers[next++] ?? 0.5;
}

function changed(image: Levels, options: AugmentOptions, draws: Draws, between?: number[]): Float32Array {
  const out = new Float32Array(image.data.length);
  augment(image, 255, options, script(draws, between), out);
  return out;
}

type Matrix = [[number, number], [number, number]];

/** mirror x 1 / zoom x rotation x shear, as matrices, about the centre; then the four neighbours by their distance. */
function moved({ data, width, height, channels }: Levels, options: AugmentOptions, draws: Required<Draws>): number[] {
  const around = (draw: number, extent = 0) => (2 * draw - 1) * extent;
  const angle = (around(draws.angle, options.rotation) / 180) * Math.PI;
  const slant = around(draws.shear, options.shear);
  const together = 1 + around(draws.scale, options.scale);
  const wider = together * (1 + around(draws.zoomX, options.zoom));
  const higher = together * (1 + around(draws.zoomY, options.zoom));
  const product = [
    [
      [options.flip && draws.flip < 0.5 ? -1 : 1, 0],
      [0, 1],
    ],
    [
      [1 / wider, 0],
      [0, 1 / higher],
    ],
    [
      [Math.cos(angle), -Math.sin(angle)],
      [Math.sin(angle), Math.cos(angle)],
    ],
    [
      [1, -Math.sin(slant)],
      [0, Math.cos(slant)],
    ],
  ].reduce((a, b) => a.map((row) => [0, 1].map((c) => row[0] * b[0][c] + row[1] * b[1][c]))) as Matrix;
  const level = (x: number, y: number, c: number) => data[(y * width + x) * channels + c];
  return Array.from(data, (_, k) => {
    const pixel = Math.floor(k / channels);
    const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
    const [dx, dy] = [(pixel % width) - cx, Math.floor(pixel / width) - cy];
    const place = product.map((row) => row[0] * dx + row[1] * dy);
    const sx = Math.min(width - 1, Math.max(0, cx + place[0] + around(draws.shiftX, options.shift) * width));
    const sy = Math.min(height - 1, Math.max(0, cy + place[1] + around(draws.shiftY, options.shift) * height));
    let sum = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        sum += Math.max(0, 1 - Math.abs(x - sx)) * Math.max(0, 1 - Math.abs(y - sy)) * level(x, y, k % channels);
      }
    }
    return sum;
  });
}
