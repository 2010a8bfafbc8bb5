import { csvCell } from '../safe-text.js';
import { readingOfTracker } from './reading-of-tracker.js';
import type { TrackSummary } from './summary.js';

/**
 * The episodes of a summary as CSV (RFC 4180, but lines end with \n): a header, then one row per episode in the order of
 * time, times in ms.
 *
 * @example
 * summaryToCsv(tracker.summary());
 * // face,emotion,from,to,duration
 * // 1,happy,120,4080,3960
 */
export function summaryToCsv(summary: TrackSummary<string>): string {
  return readingOfTracker('summary', summary, () => rowsOf(summary));
}

function rowsOf({ overall }: TrackSummary<string>): string {
  const tenths = (ms: number) => Math.round(ms * 10) / 10;
  const rows = overall.timeline.map(({ face, emotion, from, to }) =>
    [face, csvCell(emotion), tenths(from), tenths(to), tenths(to - from)].join(','),
  );
  return ['face,emotion,from,to,duration', ...rows, ''].join('\n');
}
