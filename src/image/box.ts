import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { having, type Rule } from '../options.js';

/**
 * A rectangle on an image, in pixels: it covers x .. x + width and y .. y + height, where pixel column k covers k .. k + 1.
 * Fractions are allowed, and so are parts outside the image.
 */
export interface Box {
  /** Left edge, from the left edge of the image. */
  x: number;
  /** Top edge, from the top edge of the image. */
  y: number;
  /** Width, more than 0. */
  width: number;
  /** Height, more than 0. */
  height: number;
}

/** Rule for the option `box`; its numbers are checked together with the image. */
export const boxRule: Rule = having('{ x, y, width, height }');

/**
 * Refuses a box with a number that is not finite, or without area.
 *
 * @throws FerError `OPTION`.
 */
export function checkBox(box: Box): void {
  const { x, y, width, height } = box;
  // Checked by name, because an array would be garbage in every frame.
  const finite = Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(width) && Number.isFinite(height);
  if (!finite || width <= 0 || height <= 0) {
    throw new FerError('OPTION', `${describeBox(box)} must have finite numbers and a width and height above 0`);
  }
}

/** A box in a message. */
export function describeBox({ x, y, width, height }: Box): string {
  const [left, top, wide, high] = [x, y, width, height].map(describeInput);
  return `box { x: ${left}, y: ${top}, width: ${wide}, height: ${high} }`;
}

/** Intersection over union of two boxes: 1 for equal boxes, 0 for disjoint boxes. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
