import { describe, expect, test } from 'vitest';
import { createTracker, STATE_CSV_HEADER, stateToCsv, summaryToCsv, summaryToJson } from '../../src/index.js';
import { faceAt, noisyPredictions } from './script.js';

async function followed() {
  const tracker = createTracker({ smoothing: 0, minDuration: 100, foundAfter: 0 });
  const states = [];
  for (let i = 0; i < 10; i++) {
    const faces = [faceAt(0.123, i < 5 ? 'happy' : 'sad'), ...(i >= 2 ? [faceAt(300, 'angry')] : [])];
    states.push(await tracker.update(faces, i * 100 + 1 / 3));
  }
  return { summary: tracker.summary(), states };
}

describe('what a tracker gives', () => {
  test('the summary counts episodes and their shares, by face and overall', async () => {
    const { summary } = await followed();
    expect(summary.frames).toBe(10);
    const [first, second] = summary.faces;
    expect(first.emotions.happy).toMatchObject({
      episodes: 1,
      share: expect.closeTo(5 / 9, 9),
      duration: expect.closeTo(500, 6),
    });
    expect(first.emotions.sad).toMatchObject({
      episodes: 1,
      share: expect.closeTo(4 / 9, 9),
      duration: expect.closeTo(400, 6),
    });
    expect(second.emotions.angry).toMatchObject({ episodes: 1, share: 1, duration: expect.closeTo(700, 6) });
    expect(summary.overall.emotions.angry.share).toBeCloseTo(7 / 16, 9);
    expect(summary.overall.duration).toBeCloseTo(1600, 6);
    expect(summary.overall.emotions.neutral).toEqual({ duration: 0, share: 0, episodes: 0 });
  });

  test('before any frame the summary is empty', () => {
    const { frames, from, to, faces, overall } = createTracker().summary();
    expect({ frames, from, to, faces }).toEqual({ frames: 0, from: 0, to: 0, faces: [] });
    expect(overall).toMatchObject({ duration: 0, undecided: 0, timeline: [] });
  });

  test('summaryToCsv gives one row per episode, in the order of time', async () => {
    const { summary } = await followed();
    expect(summaryToCsv(summary)).toBe(
      'face,emotion,from,to,duration\n1,happy,0.3,500.3,500\n2,angry,200.3,900.3,700\n1,sad,500.3,900.3,400\n',
    );
  });

  test('summaryToJson is the summary, rounded', async () => {
    const { summary } = await followed();
    const read = JSON.parse(summaryToJson(summary));
    expect(read.overall.timeline[0]).toEqual({ face: 1, emotion: 'happy', from: 0.3, to: 500.3 });
    expect(read.faces[0].emotions.happy.share).toBe(0.5556);
    expect(Object.keys(read)).toEqual(['frames', 'from', 'to', 'faces', 'overall']);
  });

  test('stateToCsv gives one row per face, with as many fields as the header', async () => {
    const { states } = await followed();
    expect(STATE_CSV_HEADER).toBe('time,face,x,y,width,height,seen,emotion,angry,happy,sad,neutral,surprised\n');
    const likely = noisyPredictions('happy', () => 0.5).map(({ probability }) => probability.toFixed(4));
    expect(stateToCsv(states[1])).toBe(`100.3,1,0.1,50,100,100,1,happy,${likely.join(',')}\n`);
    expect(stateToCsv(states[2]).trimEnd().split('\n')).toHaveLength(2);
    expect(stateToCsv(states[2])).toMatch(/\n200\.3,2,300,50,100,100,1,,/);
    expect(stateToCsv({ time: 0, faces: [] })).toBe('');
  });
});
