import { BLOCK_WEIGHTS, BLOCKS, FREE, INTEGERS, LAYERS } from './layout';

/** A layer: its weights and its input rows. Sizes of channels are in bytes of floats. */
@unmanaged
export class Layer {
  depthwise: usize;
  pointwise: usize;
  bias: usize;
  from: usize;
  to: usize;
  stride: i32;
  /** The last input rows, each with a zero pixel before and after it. */
  rows: usize;
  /** Number of kept rows; row y is at index y % kept. */
  kept: i32;
  rowBytes: usize;
  width: i32;
  height: i32;
}

/** Layer 0 is the first convolution, 1 .. BLOCKS are blocks; BLOCKS + 1 has the output rows of the last block. */
// @ts-ignore: decorator
@inline
export function layer(index: i32): Layer {
  return changetype<Layer>(LAYERS + <usize>index * offsetof<Layer>());
}

/** Address of a row of a layer's input, from the zero pixel on its left. Rows outside the image are zeros. */
// @ts-ignore: decorator
@inline
export function rowOf(one: Layer, y: i32): usize {
  if (<u32>y >= <u32>one.height) return zeros;
  return one.rows + <usize>(y % one.kept) * one.rowBytes;
}

let zeros: usize = 0;
/** A row of the input in floats, with a pixel before it, if the kept rows are integers. */
let floats: usize = 0;
let width: i32 = 0;
let height: i32 = 0;

/** Address for row `y` of the network's input in floats, from the zero pixel on its left. */
// @ts-ignore: decorator
@inline
export function inputRow(y: i32): usize {
  return INTEGERS ? floats : rowOf(layer(0), y);
}

/** The first byte after the rows. */
export let rowsEnd: usize = FREE;

/** The fields that do not depend on the picture: channels, strides and addresses of the weights. */
export function describe(): void {
  let weights = BLOCK_WEIGHTS;
  const first = layer(0);
  first.from = INTEGERS ? 6 : 12;
  first.to = 96;
  first.stride = 2;
  for (let k = 1; k <= BLOCKS; k++) {
    const block = layer(k);
    const stage = k < 16 ? 0 : (k - 8) >> 3;
    block.to = k == BLOCKS ? 384 : <usize>96 << min(stage, 2);
    block.from = layer(k - 1).to;
    block.stride = k >= 8 && (k & 7) == 0 ? 2 : 1;
    block.depthwise = weights;
    block.pointwise = weights + 9 * block.from;
    block.bias = block.pointwise + (block.from >> 2) * block.to;
    weights = block.bias + 2 * block.to;
  }
  layer(BLOCKS + 1).from = 384;
}

/** Allocates memory for pictures of a size, in multiples of 32. */
export function arrange(newWidth: i32, newHeight: i32): bool {
  if (newWidth == width && newHeight == height) return true;
  width = height = 0;
  let at: usize = (FREE + 63) & ~63;
  let columns = newWidth, lines = newHeight;
  let longest: usize = 0;
  for (let k = 0; k <= BLOCKS + 1; k++) {
    const one = layer(k);
    one.width = columns;
    one.height = lines;
    // Up to 9 pixels after the row are read or written, because outputs are computed four or six at a time.
    one.rowBytes = ((<usize>columns + 10) * one.from + 63) & ~63;
    // Both grids of anchors are kept completely.
    one.kept = k >= BLOCKS ? lines : k == 0 ? 5 : 3;
    one.rows = at;
    at += <usize>one.kept * one.rowBytes;
    longest = max(longest, one.rowBytes);
    if (k <= BLOCKS && one.stride == 2) {
      columns >>= 1;
      lines >>= 1;
    }
  }
  zeros = at;
  at = (at + longest + 15) & ~15;
  floats = at;
  if (INTEGERS) at += 12 * (<usize>newWidth + 10);
  if (!reserve(at)) return false;
  memory.fill(FREE, 0, at - FREE);
  rowsEnd = at;
  width = newWidth;
  height = newHeight;
  return true;
}

/** Grows the memory up to an address. */
export function reserve(end: usize): bool {
  const missing = <i32>((end + 65535) >>> 16) - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}
