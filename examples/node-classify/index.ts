/**
 * Classifies the faces in six real photos: `npm run demo` in the repository. In your own program:
 * `await classify('photo.jpg', { box: { x, y, width, height } })`.
 */
import { fileURLToPath } from 'node:url';
import { classify, EMOTIONS, type Prediction } from 'fer-dcnn';
import { FACES } from './faces.js';

const photos = new URL('../../node_modules/@vladmandic/face-api/demo/', import.meta.url);

console.log(row('photo', 'face: left, top, side', EMOTIONS, 'most likely'));
for (const [photo, boxes] of Object.entries(FACES)) {
  for (const box of boxes) {
    const predictions = await classify(fileURLToPath(new URL(photo, photos)), { box });
    const place = [box.x, box.y, box.width].map((pixels) => String(pixels).padStart(6)).join('');
    console.log(
      row(
        photo,
        place,
        EMOTIONS.map((name) => bar(predictions, name)),
        best(predictions),
      ),
    );
  }
}

function row(photo: string, place: string, bars: readonly string[], best: string): string {
  return [photo.padEnd(11), place.padEnd(21), ...bars.map((text) => text.padEnd(10)), best].join('  ').trimEnd();
}

function best([{ className, probability }]: Prediction[]): string {
  return `${className} ${(100 * probability).toFixed(0)}%`;
}

/** Ten cells, to an eighth of a cell. */
function bar(predictions: Prediction[], name: string): string {
  const { probability } = predictions.find(({ className }) => className === name)!;
  const eighths = Math.round(80 * probability);
  return '█'.repeat(Math.floor(eighths / 8)) + ' ▏▎▍▌▋▊▉'.charAt(eighths % 8).trim();
}
