import { intersectionOverUnion } from '../image/box.js';
import type { Detection } from './types.js';

/**
 * Merges detections of the same face: the best one gets the average box of all that overlap it, weighted by score. This average is
 * more stable from frame to frame than the best box itself.
 *
 * @param overlap - Minimum intersection over union of two boxes of one face.
 * @returns Best score first.
 * @see Bazarevsky et al., "BlazeFace", 2019, section 4.3 (blending instead of non-maximum suppression)
 */
export function mergeDetections(detections: readonly Detection[], overlap: number): Detection[] {
  let left = detections.toSorted((a, b) => b.score - a.score);
  const merged: Detection[] = [];
  while (left.length > 0) {
    const same = left.filter(({ box }) => box === left[0].box || intersectionOverUnion(box, left[0].box) >= overlap);
    merged.push(average(same));
    left = left.filter((detection) => !same.includes(detection));
  }
  return merged;
}

function average(same: readonly Detection[]): Detection {
  const total = same.reduce((sum, { score }) => sum + score, 0);
  const mean = (value: (detection: Detection) => number) =>
    same.reduce((sum, detection) => sum + detection.score * value(detection), 0) / total;
  return {
    box: {
      x: mean(({ box }) => box.x),
      y: mean(({ box }) => box.y),
      width: mean(({ box }) => box.width),
      height: mean(({ box }) => box.height),
    },
    score: same[0].score,
    keypoints: same[0].keypoints?.map(({ name }, k) => ({
      x: mean(({ keypoints }) => keypoints![k].x),
      y: mean(({ keypoints }) => keypoints![k].y),
      name,
    })),
  };
}
