import { EMOTIONS } from '../emotions.js';
import { readable } from '../options.js';
import { csvCell } from '../safe-text.js';
import { readingOfTracker } from './reading-of-tracker.js';
import type { TrackState } from './types.js';

/** The header of {@link stateToCsv}: time, face, box, whether it was seen, emotion, probabilities. */
export const STATE_CSV_HEADER = stateCsvHeader(EMOTIONS);

/** {@link STATE_CSV_HEADER} for the classes of a tracker: `stateCsvHeader(tracker.classes)`. */
export function stateCsvHeader(classes: readonly string[]): string {
  const names = readable('the list of classes', () => classes.map(csvCell).join(','), 'CLASSES');
  return `time,face,x,y,width,height,seen,emotion,${names}\n`;
}

/**
 * One state as rows of CSV under {@link STATE_CSV_HEADER}, one row per face, so no row without faces. An emotion that is not yet
 * decided is empty.
 *
 * @example
 * process.stdout.write(STATE_CSV_HEADER);
 * for await (const state of tracker.follow(frames)) process.stdout.write(stateToCsv(state));
 */
export function stateToCsv(state: TrackState<string>): string {
  return readingOfTracker('state', state, () => rowsOf(state));
}

function rowsOf({ time, faces }: TrackState<string>): string {
  return faces
    .map(({ id, box, seen, emotion, probabilities }) => {
      const place = [box.x, box.y, box.width, box.height].map((pixels) => Math.round(pixels * 10) / 10);
      const shares = probabilities.map((probability) => probability.toFixed(4));
      return `${[Math.round(time * 10) / 10, id, ...place, Number(seen), csvCell(emotion ?? ''), ...shares].join(',')}\n`;
    })
    .join('');
}
