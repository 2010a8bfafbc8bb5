import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawnFace } from '../../examples/page-parts/drawn-face.js';
import { classifyFaces, type DetectedFace, EMOTIONS } from '../../src/index.js';

/** What the example pages are tried with: nobody's face, which must work as a photo does. */
describe('the drawn faces of the example pages', () => {
  const found: { drawn: string; faces: DetectedFace[] }[] = [];

  beforeAll(async () => {
    for (const drawn of EMOTIONS) {
      for (let who = 0; who < 6; who++) {
        const png = await sharp(Buffer.from(drawnFace(drawn, who)))
          .png()
          .toBuffer();
        found.push({ drawn, faces: await classifyFaces(png) });
      }
    }
  });

  test('each is found, once', () => {
    expect(found.filter(({ faces }) => faces.length !== 1)).toEqual([]);
  });

  test.each(EMOTIONS)('most that are drawn %s are read as that, or as a close second', (emotion) => {
    const read = found.filter(
      ({ drawn, faces }) =>
        drawn === emotion &&
        faces[0].predictions
          .slice(0, 2)
          .map(({ className }) => className)
          .includes(emotion),
    );
    expect(read.length).toBeGreaterThanOrEqual(5);
  });
});
