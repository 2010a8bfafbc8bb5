import { anchors, logit, place } from './anchors';
import { reserve, rowsEnd } from './layers';

/** Doubles of a detection: score, left, top, width, height, six points. */
const DETECTION: usize = 17 * 8;

/** Address of the detections, after the candidates. */
export let found: usize = 0;

/**
 * Faces of the picture: anchors whose logit is `least` or more; anchors of one face are merged. The best one gets the average box of
 * all whose intersection over union with it is at least `overlap`, weighted by score: see src/faces/merge-detections.ts.
 *
 * @returns The number of faces; -1 without enough memory.
 */
export function find<V>(least: f64, overlap: f64): i32 {
  const all = anchors();
  const candidates = (rowsEnd + 7) & ~7;
  let end = candidates;
  for (let anchor = 0; ; anchor++) {
    // A short loop for the many anchors that are no faces.
    while (anchor < all && !(<f64>logit<V>(anchor) >= least)) anchor++;
    if (anchor == all) break;
    if (!reserve(end + 2 * DETECTION)) return -1;
    place<V>(anchor, end + 8);
    store<f64>(end, 1 / (1 + Math.exp(-<f64>logit<V>(anchor))));
    // From centre to corner.
    store<f64>(end, load<f64>(end, 8) - load<f64>(end, 24) / 2, 8);
    store<f64>(end, load<f64>(end, 16) - load<f64>(end, 32) / 2, 16);
    end += DETECTION;
  }
  if (!reserve(2 * end - candidates)) return -1;
  found = end;
  let to = end;
  while (end > candidates) {
    let best = candidates;
    for (let at = candidates; at < end; at += DETECTION) if (load<f64>(at) > load<f64>(best)) best = at;
    end = take(best, candidates, end, overlap, to);
    to += DETECTION;
  }
  return <i32>((to - found) / DETECTION);
}

/** Writes the average of `best` and the boxes that overlap it, and closes the gaps in the list. */
function take(best: usize, candidates: usize, end: usize, overlap: f64, to: usize): usize {
  memory.copy(to, best, DETECTION);
  memory.fill(to + 8, 0, DETECTION - 8);
  const x = load<f64>(best, 8), y = load<f64>(best, 16), width = load<f64>(best, 24), height = load<f64>(best, 32);
  let total: f64 = 0;
  let left = candidates;
  for (let at = candidates; at < end; at += DETECTION) {
    if (at == best || shared(at, x, y, width, height) >= overlap) {
      const score = load<f64>(at);
      total += score;
      for (let k: usize = 8; k < DETECTION; k += 8) store<f64>(to + k, load<f64>(to + k) + score * load<f64>(at + k));
    } else {
      if (left < at) memory.copy(left, at, DETECTION);
      left += DETECTION;
    }
  }
  for (let k: usize = 8; k < DETECTION; k += 8) store<f64>(to + k, load<f64>(to + k) / total);
  return left;
}

/** Intersection over union. */
function shared(at: usize, x: f64, y: f64, width: f64, height: f64): f64 {
  const otherX = load<f64>(at, 8), otherY = load<f64>(at, 16), otherWidth = load<f64>(at, 24), otherHeight = load<f64>(at, 32);
  const wide = min(x + width, otherX + otherWidth) - max(x, otherX);
  const high = min(y + height, otherY + otherHeight) - max(y, otherY);
  if (!(wide > 0 && high > 0)) return 0;
  return wide * high / (width * height + otherWidth * otherHeight - wide * high);
}
