import { describe, expect, test } from 'vitest';
import { FerError } from '../../src/errors.js';
import type { ImageInput } from '../../src/image/input.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { toInput } from '../../src/image/to-input.js';
import type { PixelImage } from '../../src/runtime.js';

const image = (seed: number): PixelImage => ({
  data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, k) => (k * (seed + 3) * 7) % 256),
  width: 40,
  height: 30,
  channels: 3,
});

describe('toInput', () => {
  test('one image gives one input, written into the given array', async () => {
    expect(await toInput(image(1))).toEqual(pixelsToInput(image(1)));
    const options = { size: 8, channels: 3, normalization: 'standardize' } as const;
    const out = new Float32Array(8 * 8 * 3);
    expect(await toInput(image(1), { ...options, out })).toBe(out);
    expect(out).toEqual(pixelsToInput(image(1), options));
  });

  test('a list gives one input per image, in its order, whichever image is read first', async () => {
    // The first four are ready in the reverse of their order.
    const images = Array.from({ length: 11 }, (_, i) => image(i));
    const late = images.map((each, i) => (i < 4 ? slow(each, 4 - i) : each));
    for (const options of [{}, { size: 8, channels: 3 as const }]) {
      const expected = images.flatMap((each) => [...pixelsToInput(each, options)]);
      expect(await toInput(late, options)).toEqual(Float32Array.from(expected));
    }
    expect(await toInput([image(2)])).toEqual(pixelsToInput(image(2)));
  });

  test('a list is written to an array of its own, not to `out`', async () => {
    const out = new Float32Array(1024);
    const inputs = await toInput([image(1), image(2)], { out });
    expect(inputs).toEqual(Float32Array.of(...pixelsToInput(image(1)), ...pixelsToInput(image(2))));
    expect(out).toEqual(new Float32Array(1024));
  });

  test('reads four images at a time', async () => {
    let [reading, most] = [0, 0];
    const watched = Array.from({ length: 10 }, (_, i) =>
      slow(image(i), 2, (change) => {
        reading += change;
        most = Math.max(most, reading);
      }),
    );
    await toInput(watched);
    expect(most).toBe(4);
    expect(reading).toBe(0);
  });

  test('starts no image after one that fails, and waits for those already started', async () => {
    const [begun, ended] = [new Set<number>(), new Set<number>()];
    const watched = Array.from({ length: 10 }, (_, i) =>
      slow(image(i), i === 1 ? 1 : 5, (change) => (change > 0 ? begun : ended).add(i)),
    );
    watched[1] = slow({ ...image(1), data: new Uint8Array(40 * 30 * 3 - 1) }, 1);
    await expect(toInput(watched)).rejects.toMatchObject({ code: 'SHAPE' });
    expect([...begun]).toEqual([0, 2, 3]);
    expect(ended).toEqual(begun);
  });

  test('an image that fails is named by its place, with its own code and cause', async () => {
    const broken = { ...image(1), channels: 2 } as unknown as PixelImage;
    const error = await toInput([image(0), image(1), broken]).catch((thrown) => thrown);
    expect(error).toMatchObject({
      name: 'FerError',
      code: 'CHANNELS',
      message: 'image 2: an image has 1, 3 or 4 channels, got 2',
    });
    expect(error.cause).toBeInstanceOf(FerError);
    expect(error.cause.message).toBe('an image has 1, 3 or 4 channels, got 2');
    await expect(toInput(broken)).rejects.toThrow(/^an image has 1, 3 or 4/);
  });

  test('errors thrown by options of the caller are passed on unchanged', async () => {
    const thrown = new RangeError('the box is not known yet');
    const options = {
      get box(): undefined {
        throw thrown;
      },
    };
    await expect(toInput([image(1), image(2)], options)).rejects.toBe(thrown);
  });

  test('an empty list is refused', async () => {
    await expect(toInput([])).rejects.toMatchObject({
      name: 'FerError',
      code: 'INPUT',
      message: 'the list of images is empty',
    });
  });
});

/** An image as a tensor whose levels arrive after a number of turns; `watch` gets +1 when reading begins, and -1 when it ends. */
function slow(
  { data, width, height, channels }: PixelImage,
  turns: number,
  watch = (_change: number) => {},
): ImageInput {
  return {
    shape: [height, width, channels],
    dtype: 'int32',
    isDisposed: false,
    async data() {
      watch(1);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      watch(-1);
      return Int32Array.from(data);
    },
  };
}
