import type { TrackSummary } from 'fer-dcnn/lite';
import { clock } from './clock.js';

/** A one-sentence summary. It says "mostly" only for more than half of the time. */
export function headlineOf({
  faces,
  overall,
  from,
  to,
}: Pick<TrackSummary, 'faces' | 'overall' | 'from' | 'to'>): string {
  const seen =
    faces.length === 0
      ? 'there was no face'
      : faces.length === 1
        ? 'there was one face'
        : `there were ${faces.length} faces`;
  const shares = Object.entries(overall.emotions).map(([emotion, { share }]) => ({
    emotion,
    percent: Math.round(100 * share),
  }));
  const [most, next] = shares.sort((a, b) => b.percent - a.percent);
  const what =
    most.percent === 0
      ? ''
      : most.percent === 100
        ? `, ${most.emotion} all the time`
        : most.percent > 50
          ? `, mostly ${most.emotion} (${most.percent}%)`
          : `: ${most.emotion} ${most.percent}% of the time, ${next.emotion} ${next.percent}%`;
  return `In ${clock(to - from)} ${seen}${what}.`;
}
