import { afterEach, describe, expect, test, vi } from 'vitest';
import { nativeDetector, type PixelImage } from '../../src/index.js';

const image: PixelImage = { data: Uint8Array.of(10, 20, 30, 40, 50, 60), width: 2, height: 1, channels: 3 };
const eye = (x: number, y: number) => ({
  type: 'eye',
  locations: [
    { x: x - 1, y },
    { x: x + 1, y: y + 2 },
  ],
});

/** The browser's API, as in its specification; it returns the given faces. */
function browserWith(detect: (image: { data: Uint8ClampedArray }) => unknown): void {
  vi.stubGlobal(
    'ImageData',
    class {
      constructor(
        readonly data: Uint8ClampedArray,
        readonly width: number,
        readonly height: number,
      ) {}
    },
  );
  vi.stubGlobal(
    'FaceDetector',
    class {
      detect = async (image: { data: Uint8ClampedArray }) => detect(image);
    },
  );
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('nativeDetector', () => {
  test('shows the browser the picture with its colours, opaque', async () => {
    let seen: Uint8ClampedArray | undefined;
    browserWith(({ data }) => {
      seen = data;
      return [];
    });
    expect(await nativeDetector().detect(image)).toEqual([]);
    expect([...seen!]).toEqual([10, 20, 30, 255, 40, 50, 60, 255]);
    await nativeDetector().detect({ data: Uint8Array.of(7, 9), width: 2, height: 1, channels: 1 });
    expect([...seen!]).toEqual([7, 7, 7, 255, 9, 9, 9, 255]);
  });

  test("gives boxes, and the eye on the picture's left as the person's right one", async () => {
    const boundingBox = { x: 5, y: 6, width: 70, height: 80, top: 6, toJSON: () => '' };
    const mouth = { type: 'mouth', locations: [{ x: 40, y: 70 }] };
    browserWith(() => [{ boundingBox, landmarks: [eye(55, 30), mouth, eye(25, 32)] }, { boundingBox }]);
    const [first, second] = await nativeDetector().detect(image);
    expect(first.box).toEqual({ x: 5, y: 6, width: 70, height: 80 });
    expect(first.score).toBe(1);
    expect(first.keypoints).toEqual([
      { name: 'leftEye', x: 55, y: 31 },
      { name: 'mouth', x: 40, y: 70 },
      { name: 'rightEye', x: 25, y: 33 },
    ]);
    expect(second.keypoints).toEqual([]);
  });

  test('a missing or broken detector gives an error that names an alternative', async () => {
    await expect(nativeDetector().detect(image)).rejects.toMatchObject({
      code: 'DETECTOR_UNAVAILABLE',
      message: expect.stringContaining('blazeFaceDetector'),
    });
    browserWith(() => {
      throw new Error('Face detection service unavailable.');
    });
    await expect(nativeDetector().detect(image)).rejects.toMatchObject({
      code: 'DETECTOR_UNAVAILABLE',
      message: expect.stringContaining('service unavailable'),
    });
    const detector = nativeDetector();
    detector.dispose();
    await expect(detector.detect(image)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});
