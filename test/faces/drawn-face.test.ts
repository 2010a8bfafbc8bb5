import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawnFace } from '../../examples/page-parts/drawn-face.js';
import { classifyFaces, type DetectedFace, EMOTIONS } from '../../src/index.js';

/** The drawn faces of the example pages, which must work as photos do. */
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

  test.each(EMOTIONS)('those that are drawn %s are read as that', (emotion) => {
    const read = found.filter(({ drawn }) => drawn === emotion).map(({ faces }) => faces[0].predictions[0].className);
    expect(read).toEqual(Array(6).fill(emotion));
  });
});
