import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { ClassifyOptions, ImageInput } from '../../src/lite.js';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { nodeJson } from '../package/run-node.js';
import { engines, openPage } from './engines.js';
import { type PackagePage, packagePage } from './engines-page.js';
import { drawPictures } from './pictures.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');

declare const lite: typeof import('../../src/lite.js');

/**
 * How far a probability may lie from Node's, by engine: [Chromium, Firefox, WebKit]. docs/troubleshooting.md has the table.
 * Blobs and bytes first, then an <img> of the same file, which a canvas reads.
 */
const FAR: Record<string, { blob: number[]; img: number[] }> = {
  'face.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'face.jpg': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'progressive.jpg': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'lossless.webp': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'lossy.webp': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'half.gif': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'animated.gif': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 1e-5, 1e-5] },
  'alpha.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 0.01, 0.01] },
  'grey-alpha.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 0.01, 0.01] },
  'palette-alpha.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 0.01, 0.01] },
  'rgb16.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 0.001, 1e-5] },
  'rgba16.png': { blob: [1e-5, 1e-5, 1e-5], img: [1e-5, 0.006, 0.006] },
  'gamma.png': { blob: [1e-5, 1e-5, 1e-5], img: [0.061, 0.06, 0.06] },
  'alpha.webp': { blob: [1e-5, 0.003, 0.005], img: [0.005, 0.003, 0.005] },
  'p3.png': { blob: [0.001, 0.001, 0.001], img: [0.001, 0.001, 0.001] },
  'p3-alpha.png': { blob: [0.005, 0.005, 0.007], img: [0.005, 0.005, 0.007] },
  'p3.jpg': { blob: [0.001, 0.001, 0.001], img: [0.001, 0.001, 0.001] },
  'lossy.avif': { blob: [0.002, 0.002, 0.002], img: [0.002, 0.002, 0.002] },
  'alpha.avif': { blob: [0.08, 0.01, 0.01], img: [0.08, 0.01, 0.01] },
  'cmyk.jpg': { blob: [0.03, 0.02, 0.02], img: [0.03, 0.02, 0.02] },
};

const FILES = Object.entries(FAR).filter(([file]) => NIGHT || !file.endsWith('.avif'));

let inNode: Record<string, number[]>;
let frames: number[][];

beforeAll(async () => {
  await prepareSite(folder);
  await drawPictures(folder);
  [inNode, frames] = await nodeJson<[Record<string, number[]>, number[][]]>(
    'module',
    `import { classify, EMOTIONS } from 'fer-dcnn/lite';
    const listOf = (list) => EMOTIONS.map((name) => list.find((p) => p.className === name).probability);
    const lists = {};
    for (const file of ${JSON.stringify(FILES.map(([file]) => file))}) lists[file] = listOf(await classify(file));
    const frames = [];
    for (const frame of [0, 1, 2]) frames.push(listOf(await classify('animated.gif', { frame })));
    console.log(JSON.stringify([lists, frames]));`,
    folder,
  );
});

describe.each(engines)('pictures in %s', (engine) => {
  let page: PackagePage;

  beforeAll(async () => {
    page = await packagePage(engine);
    await page.evaluate(() => {
      Object.assign(globalThis, {
        blobOf: async (file: string) => (await fetch(file)).blob(),
        /** Probabilities, or the code of the error. */
        answer: async (input: ImageInput, options?: ClassifyOptions) => {
          try {
            const list = await lite.classify(input, options);
            return lite.EMOTIONS.map((name) => list.find(({ className }) => className === name)!.probability);
          } catch (error) {
            return error instanceof lite.FerError ? `${error.code} ${error.message}` : `${error}`;
          }
        },
      });
    });
  });

  test.each(FILES)('%s gives the same as Node, within the bounds in the docs', async (file, { blob, img }) => {
    const found = await page.evaluate(async (file) => {
      const element = new Image();
      element.src = file;
      return [await answer(await blobOf(file)), await answer(element)];
    }, file);
    const at = ['chromium', 'firefox', 'webkit'].indexOf(engine);
    expectClose(found[0] as number[], inNode[file], blob[at]);
    expectClose(found[1] as number[], inNode[file], img[at]);
  });

  test('a frame of an animation is read, or refused in words', async () => {
    const [first, second, last, none, element] = await page.evaluate(async () => {
      const blob = await blobOf('animated.gif');
      const element = new Image();
      element.src = 'animated.gif';
      const lists = [];
      for (const frame of [0, 1, 2, 3]) lists.push(await answer(blob, { frame }));
      return [...lists, await answer(element, { frame: 1 })];
    });
    expectClose(first as number[], frames[0], 1e-5);
    if (engine === 'webkit') {
      expect(second).toMatch(/^OPTION Blob of \d+ bytes: there is no frame 1 here: this browser reads only the first/);
    } else {
      expectClose(second as number[], frames[1], 1e-5);
      expectClose(last as number[], frames[2], 1e-5);
      expect(none).toMatch(/^OPTION Blob of \d+ bytes: there is no frame 3, but 0 to 2/);
    }
    expect(element).toMatch(/^OPTION frame 1: frames are read only from a Blob/);
  });

  test('reads what the browser can show, such as BMP, and names what it cannot', async () => {
    const [bmp, heic, svg, large, bytes] = await page.evaluate(async () => {
      const bmp = await blobOf('face.bmp');
      return [
        await answer(bmp),
        await answer(await blobOf('empty.heic')),
        await answer(new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'])),
        await answer(bmp, { maxPixels: 1000 }),
        await answer(bmp, { maxBytes: 1000 }),
      ];
    });
    expectClose(bmp as number[], inNode['face.png'], 1e-5);
    expect(heic).toMatch(/^DECODE Blob of \d+ bytes is a HEIC image; .*convert it/);
    expect(svg).toMatch(/^DECODE Blob of \d+ bytes is an SVG drawing/);
    expect(large).toMatch(/^TOO_LARGE/);
    expect(bytes).toMatch(/^TOO_LARGE/);
  });

  test('a picture that shows nothing is refused: transparent, or a canvas on which nothing was drawn', async () => {
    const found = await page.evaluate(async () => [
      await answer(await blobOf('clear.gif')),
      await answer(await blobOf('clear.png')),
      await answer(await blobOf('clear.webp')),
      await answer(document.createElement('canvas')),
      await answer(new OffscreenCanvas(2000, 3000)),
      await answer(new ImageData(9, 9)),
    ]);
    for (const answer of found) expect(answer).toMatch(/^INPUT the image shows nothing: every pixel is transparent/);
  });

  test('a VideoFrame and floats of an ImageData give what the picture gives', async () => {
    const { closed, frame, floats, infinite } = await page.evaluate(async () => {
      const bitmap = await createImageBitmap(await blobOf('face.png'));
      const video = new VideoFrame(bitmap, { timestamp: 0 });
      const frame = await answer(video);
      video.close();
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
      const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, bitmap.width, bitmap.height);
      let levels: ImageData | null = null;
      try {
        levels = new ImageData(width, height, { pixelFormat: 'rgba-float16' } as ImageDataSettings);
      } catch {}
      const halves: unknown = levels?.data;
      if (levels === null || halves instanceof Uint8ClampedArray) return { frame, closed: await answer(video) };
      const written = halves as Float32Array;
      for (let k = 0; k < data.length; k++) written[k] = data[k] / 255;
      const floats = await answer(levels);
      written[7] = Number.NaN;
      return { frame, floats, infinite: await answer(levels), closed: await answer(video) };
    });
    expectClose(frame as number[], inNode['face.png'], 1e-5);
    expect(closed).toMatch(/^INPUT the VideoFrame has no pixels/);
    if (engine === 'chromium') expect(floats).toBeDefined();
    if (floats === undefined) return;
    // Half precision has 11 bits.
    expectClose(floats as number[], inNode['face.png'], 2e-3);
    expect(infinite).toMatch(/^NOT_FINITE the image contains NaN at 7/);
  });

  test('distinguishes a canvas with wrong pixels from one with a little noise', async () => {
    const found = await page.evaluate(async () => {
      // A page of its own, which has not looked at its canvas yet.
      const frame = document.createElement('iframe');
      frame.src = location.href;
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      const inside = frame.contentWindow as unknown as {
        lite: typeof lite;
        OffscreenCanvasRenderingContext2D: typeof OffscreenCanvasRenderingContext2D;
      };
      while (inside.lite === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
      const { prototype } = inside.OffscreenCanvasRenderingContext2D;
      const honest = prototype.getImageData;
      const withNoise = (most: number) => {
        prototype.getImageData = function (...args) {
          const image = honest.apply(this, args);
          for (let k = 0; k < image.data.length; k += 3) image.data[k] ^= Math.floor(Math.random() * (most + 1));
          return image;
        };
      };
      const face = await blobOf('face.jpg');
      const answers = [];
      for (const most of [255, 255, 1, 255]) {
        withNoise(most);
        answers.push(
          await inside.lite.classify(face).then(
            ([{ className }]) => className,
            ({ code, message }) => `${code} ${message}`,
          ),
        );
      }
      return answers;
    });
    expect(found[0]).toMatch(/^CANVAS this browser hides the pixels of a canvas/);
    expect(found[1]).toBe(found[0]);
    // Allowed by now; it is not looked at again.
    expect(found[2]).toBe('happy');
    expect(found[3]).not.toMatch(/CANVAS/);
  });
});

if (!NIGHT) leftOut('Firefox that resists fingerprinting; AVIF', '1');
if (engines.includes('firefox')) {
  nightTest('Firefox that resists fingerprinting gives CANVAS, except for pictures that need no canvas', async () => {
    const { address } = await packagePage('firefox');
    const page = await openPage('firefox', `${address}engines.html`, { resistFingerprinting: true });
    await page.waitFor(() => 'lite' in globalThis);
    const found = await page.evaluate(async () => {
      const codeOf = async (file: string) =>
        lite.classify(await (await fetch(file)).blob()).then(
          ([{ className }]) => className,
          ({ code }) => code,
        );
      return [await codeOf('face.jpg'), await codeOf('alpha.png')];
    });
    const names = ['angry', 'happy', 'sad', 'neutral', 'surprised'];
    const best = names[inNode['alpha.png'].indexOf(Math.max(...inNode['alpha.png']))];
    expect(found).toEqual(['CANVAS', best]);
    await page.close();
  });
}

declare const blobOf: (file: string) => Promise<Blob>;
declare const answer: (input: ImageInput, options?: ClassifyOptions) => Promise<number[] | string>;
