import { describe, expect, test } from 'vitest';
import { headlineOf } from '../../examples/webcam/src/headline-of.js';
import { createTracker, EMOTIONS, type Emotion } from '../../src/lite.js';

describe('headlineOf', () => {
  test.each([
    [[], 'In 0:04 there was no face.'],
    [[['happy', 'happy', 'happy']], 'In 0:04 there was one face, happy all the time.'],
    [[['happy', 'happy', 'sad']], 'In 0:04 there was one face, mostly happy (67%).'],
    [
      [
        ['happy', 'happy', 'happy'],
        ['sad', 'sad', 'sad'],
        ['neutral', 'neutral', 'neutral'],
      ],
      'In 0:04 there were 3 faces: happy 33% of the time, sad 33%.',
    ],
  ] as [Emotion[][], string][])('says of %j: %s', async (faces, sentence) => {
    expect(headlineOf(await summaryOf(faces))).toBe(sentence);
  });
});

/** What a tracker says of faces that show three things for 1.2 s each. */
async function summaryOf(faces: Emotion[][]) {
  const tracker = createTracker({ smoothing: 0, minDuration: 0, foundAfter: 0, hysteresis: 0 });
  for (let time = 0; time <= 3600; time += 100) {
    const seen = faces.map((shown, i) => ({
      box: { x: 200 * i, y: 0, width: 100, height: 100 },
      predictions: EMOTIONS.map((className) => ({
        className,
        probability: Number(className === shown[Math.min(2, Math.floor(time / 1200))]),
      })),
    }));
    await tracker.update(seen, time);
  }
  return tracker.summary();
}
