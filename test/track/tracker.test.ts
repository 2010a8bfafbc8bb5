import { describe, expect, test } from 'vitest';
import { type CreateTrackerOptions, classifyFaces, createTracker, EMOTIONS, type SeenFace } from '../../src/index.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';
import { runs } from '../night.js';
import { faceAt, noisyPredictions, type Script, scriptedFrames } from './script.js';

/** A tracker, and its events in order. */
function listenedTracker(options?: CreateTrackerOptions) {
  const tracker = createTracker(options);
  const told: string[] = [];
  tracker.addEventListener('found', ({ detail }) => told.push(`found ${detail.id}${detail.again ? ' again' : ''}`));
  tracker.addEventListener('change', ({ detail }) => told.push(`${detail.id}: ${detail.from} -> ${detail.to}`));
  tracker.addEventListener('lost', ({ detail }) => told.push(`lost ${detail.id}`));
  return { tracker, told };
}

/** Frames 40 ms apart, from `from` to `to`, ms. */
async function show(
  tracker: ReturnType<typeof createTracker>,
  from: number,
  to: number,
  facesAt: (time: number) => SeenFace[],
) {
  const states = [];
  for (let time = from; time < to; time += 40) states.push(await tracker.update(facesAt(time), time));
  return states;
}

/** Segments of 3 to 5 s, no emotion twice in a row. */
const scripts = fc
  .array(fc.tuple(fc.constantFrom(...EMOTIONS), fc.integer({ min: 3000, max: 5000 })), { minLength: 2, maxLength: 6 })
  .filter((script) => script.every(([emotion], i) => emotion !== script[i - 1]?.[0]));

describe('createTracker', () => {
  test.each([5, 15, 60])(
    'reports exactly the scripted changes of a noisy script, at %d frames per second',
    async (fps) => {
      // Noise that makes the wrong emotion the most probable on some 4% of frames, and 2% of frames that show anything.
      const noise = { logits: 0.75, outliers: 0.02 };
      await fc.assert(
        fc.asyncProperty(scripts, fc.nat(), async (script, seed) => {
          const { tracker, told } = listenedTracker();
          for await (const _ of tracker.follow(scriptedFrames(script, fps, { seed, noise, jitter: 8 })));
          const names = script.map(([emotion]) => emotion);
          expect(told.filter((line) => line !== 'found 1')).toEqual(
            names.map((name, i) => `1: ${names[i - 1] ?? null} -> ${name}`),
          );
          const { overall } = tracker.summary();
          expect(overall.timeline.map(({ emotion }) => emotion)).toEqual(names);
          for (const emotion of EMOTIONS) {
            expect(overall.emotions[emotion].episodes).toBe(names.filter((name) => name === emotion).length);
          }
        }),
        { numRuns: fps === 60 ? 40 : 120 },
      );
    },
  );

  test('without noise, reports changes at the right time at every frame rate, up to one frame or the smoothing', async () => {
    const script: Script = [
      ['neutral', 4000],
      ['happy', 4000],
      ['sad', 4000],
    ];
    for (const fps of [5, 15, 60, 120]) {
      const tracker = createTracker();
      for await (const _ of tracker.follow(scriptedFrames(script, fps)));
      const { timeline } = tracker.summary().overall;
      expect(timeline).toHaveLength(3);
      for (const [i, { from }] of timeline.entries()) {
        // The step from 0.75 : 0.06 is passed by 0.1 after 0.87 of the time constant: (1 - 2 exp(-t)) 0.69 = 0.1.
        expect(from - 4000 * i).toBeGreaterThanOrEqual(0);
        expect(from - 4000 * i).toBeLessThan(0.87 * 300 + 1000 / fps);
      }
    }
  });

  test('smoothed probabilities follow time, not frames', async () => {
    const shownAt = async (fps: number) => {
      const tracker = createTracker();
      let state = await tracker.update([faceAt(0, 'sad')], 0);
      for (let i = 1; i <= fps * 4; i++)
        state = await tracker.update([faceAt(0, i <= fps * 3 ? 'sad' : 'happy')], (i * 1000) / fps);
      return state.faces[0].probabilities;
    };
    const [slow, fast] = [await shownAt(5), await shownAt(60)];
    for (const i of EMOTIONS.keys()) expect(slow[i]).toBeCloseTo(fast[i], 6);
    expect(slow.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  });

  test('no episode is shorter than minDuration, and neighbours differ', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom(5, 15, 30),
        fc.integer({ min: 0, max: 900 }),
        async (seed, fps, minDuration) => {
          const tracker = createTracker({ minDuration, smoothing: 100 });
          await tracker.update([], 0);
          const random = randomStream(seed);
          for (let i = 0; i < 200; i++) {
            const predictions = noisyPredictions('happy', random, { logits: 2, outliers: 0.8 });
            const faces = random() < 0.9 ? [{ box: { x: 0, y: 0, width: 50, height: 50 }, predictions }] : [];
            await tracker.update(faces, (i * 1000) / fps);
          }
          const { faces, overall } = tracker.summary();
          for (const { timeline, duration, undecided, emotions } of [...faces, overall]) {
            for (const { from, to } of timeline) expect(to - from).toBeGreaterThanOrEqual(minDuration - 1e-6);
            const decided = Object.values(emotions).reduce((sum, emotion) => sum + emotion.duration, 0);
            expect(decided + undecided).toBeCloseTo(duration, 6);
            const shares = Object.values(emotions).reduce((sum, { share }) => sum + share, 0);
            if (decided > 0) expect(shares).toBeCloseTo(1, 9);
          }
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test.each([0.3, 0.6, 2])('two faces that cross, %d face widths a second, keep their identities', async (speed) => {
    const { tracker, told } = listenedTracker();
    const span = (400 / (speed * 100)) * 1000;
    const left = (time: number) => ({ ...faceAt((400 * time) / span, 'happy') });
    const right = (time: number) => ({ ...faceAt(400 - (400 * time) / span, 'sad') });
    let last: Awaited<ReturnType<typeof tracker.update>> | undefined;
    for (let time = 0; time <= span; time += 40) {
      // Where they all but coincide, a detector gives one face.
      const apart = Math.abs(left(time).box.x - right(time).box.x) > 15;
      last = await tracker.update(apart ? [right(time), left(time)] : [left(time)], time);
    }
    expect(told.filter((line) => /found|lost/.test(line))).toEqual(['found 1', 'found 2']);
    const [first, second] = last?.faces ?? [];
    expect(Math.round(first.box.x)).toBeLessThan(10);
    expect(first.emotion).toBe('sad');
    expect(Math.round(second.box.x)).toBeGreaterThan(390);
    expect(second.emotion).toBe('happy');
  });

  test('a face that is missing for a moment stays, not visible; no event fires', async () => {
    const { tracker, told } = listenedTracker();
    await show(tracker, 0, 2000, () => [faceAt(0, 'happy')]);
    const missed = await show(tracker, 2000, 2800, () => []);
    expect(missed.every(({ faces }) => faces.length === 1 && !faces[0].seen && faces[0].emotion === 'happy')).toBe(
      true,
    );
    const [back] = await show(tracker, 2800, 4000, () => [faceAt(5, 'happy')]);
    expect(back.faces[0]).toMatchObject({ id: 1, seen: true, emotion: 'happy' });
    expect(told).toEqual(['found 1', '1: null -> happy']);
    expect(tracker.summary().overall.timeline).toHaveLength(1);
  });

  test('a face that is lost and found again at the same place keeps its identity; its emotion is judged again', async () => {
    const { tracker, told } = listenedTracker();
    await show(tracker, 0, 2000, () => [faceAt(0, 'happy')]);
    const gone = await show(tracker, 2000, 5000, () => []);
    expect(gone.at(-1)?.faces).toEqual([]);
    await show(tracker, 5000, 7000, () => [faceAt(10, 'sad')]);
    expect(told).toEqual(['found 1', '1: null -> happy', 'lost 1', 'found 1 again', '1: null -> sad']);
    const [face] = tracker.summary().faces;
    expect(face).toMatchObject({ id: 1, firstSeen: 0, lastSeen: 6960, duration: 1960 + 1960, undecided: 0 });
    expect(face.timeline).toEqual([
      { face: 1, emotion: 'happy', from: 0, to: 1960 },
      { face: 1, emotion: 'sad', from: 5000, to: 6960 },
    ]);
  });

  test.each([
    ['elsewhere', 3000, 300],
    ['too late', 9000, 0],
  ])('one that comes %s is another', async (_, at, x) => {
    const { tracker, told } = listenedTracker();
    await show(tracker, 0, 1000, () => [faceAt(0)]);
    await show(tracker, 1000, at, () => []);
    await show(tracker, at, at + 1000, () => [faceAt(x)]);
    expect(told.filter((line) => /found|lost/.test(line))).toEqual(['found 1', 'lost 1', 'found 2']);
    expect(tracker.summary().faces.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('a false detection in a single frame is never reported', async () => {
    const { tracker, told } = listenedTracker();
    const states = await show(tracker, 0, 4000, (time) => (time % 800 === 0 ? [faceAt(time)] : []));
    expect(states.every(({ faces }) => faces.length === 0)).toBe(true);
    expect(told).toEqual([]);
    expect(tracker.summary().faces).toEqual([]);
  });

  test('foundAfter: 0 reports a face at once; minDuration: 0 also its emotion', async () => {
    const tracker = createTracker({ foundAfter: 0, minDuration: 0 });
    const { faces } = await tracker.update([faceAt(0, 'surprised')], 17);
    expect(faces).toMatchObject([{ id: 1, seen: true, emotion: 'surprised', box: faceAt(0).box }]);
    expect(faces[0].predictions[0]).toEqual({ className: 'surprised', probability: faces[0].probabilities[4] });
  });

  test('an emotion from before the face counts is reported after it', async () => {
    const { tracker, told } = listenedTracker({ foundAfter: 1000, minDuration: 200 });
    await show(tracker, 0, 2000, () => [faceAt(0, 'angry')]);
    expect(told).toEqual(['found 1', '1: null -> angry']);
  });

  test('frames two seconds apart lose no face', async () => {
    const { tracker, told } = listenedTracker();
    for (let time = 0; time < 20_000; time += 2000) await tracker.update([faceAt(0)], time);
    expect(told).toEqual(['found 1', '1: null -> neutral']);
  });

  test('details of events name face, times and emotions', async () => {
    const tracker = createTracker();
    const details: unknown[] = [];
    for (const type of ['found', 'change', 'lost'] as const) {
      tracker.addEventListener(type, (event) => details.push([event.type, event.detail]));
    }
    await show(tracker, 0, 1000, () => [faceAt(0, 'happy')]);
    await show(tracker, 1000, 3000, () => []);
    const face = expect.objectContaining({ id: 1, probabilities: expect.any(Array) });
    expect(details).toEqual([
      ['found', { id: 1, time: 200, since: 0, again: false, face }],
      ['change', { id: 1, time: 520, since: 0, from: null, to: 'happy', face }],
      ['lost', { id: 1, time: 2000, lastSeen: 960, face }],
    ]);
  });

  test('pictures go to classifyFaces, with its options', async () => {
    const image = { data: new Uint8Array(64 * 48).fill(90), width: 64, height: 48, channels: 1 as const };
    const box = { x: 20, y: 8, width: 24, height: 24 };
    const detector = {
      name: 'scripted',
      detect: async () => [
        { box, score: 0.9 },
        { box, score: 0.2 },
      ],
    };
    const tracker = createTracker({ detector, minScore: 0.5, foundAfter: 0 });
    const { faces } = await tracker.update(image, 0);
    const [{ predictions }] = await classifyFaces(image, { detector });
    expect(faces).toHaveLength(1);
    expect(faces[0].box).toEqual(box);
    for (const [i, { className, probability }] of predictions.entries()) {
      expect(faces[0].predictions[i].className).toBe(className);
      expect(faces[0].predictions[i].probability).toBeCloseTo(probability, 9);
    }
  });

  test('calls that are not awaited are processed in order', async () => {
    const tracker = createTracker({
      classify: async (frame) => {
        const { width } = frame as { width: number };
        await new Promise((resolve) => setTimeout(resolve, width === 1 ? 20 : 0));
        return [faceAt(0)];
      },
    });
    const frame = (width: number) => ({ data: new Uint8Array(width), width, height: 1, channels: 1 as const });
    const states = await Promise.all([
      tracker.update(frame(1), 0),
      tracker.update(frame(2), 100),
      tracker.update(frame(3), 200),
    ]);
    expect(states.map(({ time }) => time)).toEqual([0, 100, 200]);
    expect(states[2].faces).toHaveLength(1);
  });

  test('a frame that fails changes nothing', async () => {
    const tracker = createTracker({ foundAfter: 0 });
    await tracker.update([faceAt(0)], 100);
    const before = tracker.summary();
    for (const [frame, time, code] of [
      [[faceAt(0)], Number.NaN, 'TIMESTAMP'],
      [[faceAt(0)], 99, 'TIMESTAMP'],
      [[faceAt(0), faceAt(0, 'happy', 0)], 200, 'SHAPE'],
      [[faceAt(Number.NaN)], 200, 'NOT_FINITE'],
      [[{ ...faceAt(0), predictions: [{ className: 'bored', probability: 1 }] }], 200, 'CLASSES'],
      [[{ ...faceAt(0), predictions: [{ className: 'sad', probability: Number.NaN }] }], 200, 'NOT_FINITE'],
      [[{ ...faceAt(0), predictions: [{ className: 'sad', probability: 1.5 }] }], 200, 'DATA'],
    ] as [SeenFace[], number, string][]) {
      await expect(tracker.update(frame, time)).rejects.toMatchObject({ name: 'FerError', code });
    }
    expect(tracker.summary()).toEqual(before);
    expect((await tracker.update([faceAt(0)], 100)).faces).toHaveLength(1);
  });

  test('leaving the loop ends the source of frames', async () => {
    let ended = false;
    async function* frames() {
      try {
        for (let i = 0; ; i++) yield { faces: [faceAt(0)], timestamp: i };
      } finally {
        ended = true;
      }
    }
    for await (const { time } of createTracker().follow(frames())) if (time === 3) break;
    expect(ended).toBe(true);
  });

  test.each([
    { smoothing: -1 },
    { minDuration: Number.NaN },
    { lostAfter: Number.POSITIVE_INFINITY },
    { forgetAfter: '5' as never },
    { hysteresis: 1.5 },
    { minOverlap: 0 },
    { classify: {} as never },
  ])('%j is refused', (options) => {
    expect(() => createTracker(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });

  test('memory is flat: 20,000 frames keep no more than 2,000', async () => {
    const tracker = createTracker();
    const follow = async (from: number, to: number) => {
      for (let i = from; i < to; i++)
        await tracker.update([faceAt(i % 7, 'happy'), faceAt(300 + (i % 5), 'sad')], i * 40);
    };
    await follow(0, 2000);
    const { frames: _, ...before } = JSON.parse(JSON.stringify(tracker.summary()));
    global.gc?.();
    const heap = process.memoryUsage().heapUsed;
    await follow(2000, 20_000);
    global.gc?.();
    if (global.gc !== undefined) expect(process.memoryUsage().heapUsed - heap).toBeLessThan(1e6);
    expect(JSON.stringify(tracker.summary()).length).toBeLessThan(JSON.stringify(before).length + 100);
  });
});
