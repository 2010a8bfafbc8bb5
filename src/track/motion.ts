import type { Box } from '../image/box.js';

/**
 * Predicts the position of a moving box: it continues with its speed, and slows down the longer it is not seen. This keeps
 * two crossing faces apart.
 */
export class Motion {
  box: Box;
  #vx = 0;
  #vy = 0;

  constructor(box: Box) {
    this.box = box;
  }

  /** Adds the box of one more frame, `elapsed` ms after the last. */
  add(box: Box, elapsed: number): void {
    if (elapsed > 0) {
      const alpha = -Math.expm1(-elapsed / STEADYING);
      this.#vx += alpha * ((middleX(box) - middleX(this.box)) / elapsed - this.#vx);
      this.#vy += alpha * ((middleY(box) - middleY(this.box)) / elapsed - this.#vy);
    }
    this.box = box;
  }

  /** The expected position of the box, `elapsed` ms after it was last seen. */
  expected(elapsed: number): Box {
    const way = -Math.expm1(-elapsed / SLOWING) * SLOWING;
    return { ...this.box, x: this.box.x + this.#vx * way, y: this.box.y + this.#vy * way };
  }
}

/** ms over which the speed is averaged: boxes of detectors vary by a few pixels from frame to frame. */
const STEADYING = 150;
/** ms after which a face that is not seen has lost 63% of its speed. */
const SLOWING = 500;

function middleX({ x, width }: Box): number {
  return x + width / 2;
}

function middleY({ y, height }: Box): number {
  return y + height / 2;
}
