import { readingOfTracker } from './reading-of-tracker.js';
import type { TrackSummary } from './summary.js';

/**
 * A summary as JSON text, indented; times rounded to 0.1 ms, shares to 4 digits.
 *
 * @example
 * link.href = URL.createObjectURL(new Blob([summaryToJson(tracker.summary())], { type: 'application/json' }));
 */
export function summaryToJson(summary: TrackSummary<string>): string {
  const rounded = (key: string, value: unknown) => {
    if (typeof value !== 'number') return value;
    return key === 'share' ? Math.round(value * 1e4) / 1e4 : Math.round(value * 10) / 10;
  };
  return readingOfTracker('summary', summary, () => {
    // Only a summary has it.
    summary.overall.timeline.at(0);
    return JSON.stringify(summary, rounded, 2);
  });
}
