import type { Detection } from './types.js';

/**
 * The network's outputs on one grid of anchors: at each cell centre, `perCell` anchors. `logits` has the shape [cells, perCell],
 * `places` [cells, perCell, 16]: centre x and y, width and height, then x and y of six points, all in pixels of the
 * network's input and from the cell's centre.
 */
export interface Anchors {
  rows: number;
  columns: number;
  /** Pixels of the network's input between cells. */
  stride: number;
  perCell: number;
  logits: Float32Array;
  places: Float32Array;
}

/** The names that MediaPipe gives to BlazeFace's six points; left and right are the person's own. */
export const POINTS = ['rightEye', 'leftEye', 'noseTip', 'mouthCenter', 'rightEarTragion', 'leftEarTragion'];

/**
 * Decodes BlazeFace's outputs: the anchors with a score of at least `minScore`, in pixels of the network's input.
 *
 * @see MediaPipe, `tensors_to_detections_calculator.cc`: the score is the logistic function of the logit; an anchor's
 * centre is its cell's; places are offsets from it
 */
export function decodeAnchors(grids: readonly Anchors[], minScore: number): Detection[] {
  const leastLogit = Math.log(minScore / (1 - minScore));
  return grids.flatMap(({ columns, stride, perCell, logits, places }) => {
    const found: Detection[] = [];
    for (let anchor = 0; anchor < logits.length; anchor++) {
      if (!(logits[anchor] >= leastLogit)) continue;
      const cell = Math.floor(anchor / perCell);
      const x = ((cell % columns) + 0.5) * stride;
      const y = (Math.floor(cell / columns) + 0.5) * stride;
      const [right, down, width, height, ...points] = places.subarray(16 * anchor, 16 * anchor + 16);
      found.push({
        box: { x: x + right - width / 2, y: y + down - height / 2, width, height },
        score: 1 / (1 + Math.exp(-logits[anchor])),
        keypoints: POINTS.map((name, k) => ({ x: x + points[2 * k], y: y + points[2 * k + 1], name })),
      });
    }
    return found;
  });
}
