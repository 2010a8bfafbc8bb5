/*
 * A face that walks through a camera's picture: processor time of a frame in `createTracker`, with a search of every whole frame and with
 * faces followed in crops, in turns; and how far the answers differ. `npm run bench tracker`.
 */
import { createTracker } from '../../src/lite.js';
import type { TrackedFace } from '../../src/track/types.js';
import { drawn } from '../faces/drawn-images.js';

const ROUNDS = 8;
/** 25 frames a second. */
const WALK = Array.from({ length: 60 }, (_, k) => ({
  timestamp: 40 * k,
  image: drawn(640, 480, 4, [{ x: 320 + 150 * Math.sin(k / 8), y: 240 + 30 * Math.sin(k / 5), size: 90 }]),
}));
const ways = [
  { name: 'every frame searched', detectEvery: 0, times: [] as number[], faces: [] as TrackedFace[] },
  { name: 'followed in crops', detectEvery: 200, times: [] as number[], faces: [] as TrackedFace[] },
];

for (let round = -1; round < ROUNDS; round++) {
  for (const { detectEvery, times, faces } of ways) {
    const tracker = createTracker({ detectEvery, foundAfter: 0 });
    faces.length = 0;
    for (const { image, timestamp } of WALK) {
      const start = process.cpuUsage();
      const state = await tracker.update(image, timestamp);
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) times.push((user + system) / 1000);
      if (state.faces.length !== 1) throw new Error(`one face walks, ${state.faces.length} were found`);
      faces.push(state.faces[0]);
    }
  }
}

console.log(`Node ${process.version}`);
console.table(
  ways.map(({ name, times }) => ({
    'a frame of 640x480': name,
    'ms, mean': (times.reduce((sum, time) => sum + time, 0) / times.length).toFixed(1),
    median: times.toSorted((a, b) => a - b)[times.length >> 1].toFixed(1),
    least: Math.min(...times).toFixed(1),
  })),
);
const [every, followed] = ways.map(({ faces }) => faces);
const most = (difference: (k: number) => number) => Math.max(...every.map((_, k) => (k === 0 ? 0 : difference(k))));
const center = ({ box: { x, y, width, height } }: TrackedFace) => [x + width / 2, y + height / 2];
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const apart = (k: number) => {
  const [a, b] = [center(every[k]), center(followed[k])];
  return Math.hypot(a[0] - b[0], a[1] - b[1]) / every[k].box.width;
};
const wider = (a: TrackedFace, b: TrackedFace) => Math.abs(a.box.width / b.box.width - 1);
console.log(`followed or searched, at most: centres ${percent(most(apart))} of the face's width apart,`);
console.log(`widths ${percent(most((k) => wider(followed[k], every[k])))} different,`);
const shift = (k: number) =>
  Math.max(...followed[k].probabilities.map((p, c) => Math.abs(p - every[k].probabilities[c])));
console.log(`smoothed probabilities ${most(shift).toFixed(2)}.`);
console.log(
  `Searched: the width differs by ${percent(most((k) => wider(every[k], every[k - 1])))} from one frame to the next.`,
);
