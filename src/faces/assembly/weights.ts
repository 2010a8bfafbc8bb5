import { lanes } from '../../network/assembly/vector';
import { describe, layer, reserve } from './layers';
import { BLOCKS, FIRST, FIRST_BIAS, FREE, LOGITS, LOGITS_BIAS, PLACES, PLACES_BIAS } from './layout';

/** Address where the half-precision weights are staged. */
let next: usize = FREE;

/** Allocates memory for this many bytes of weights. */
export function stage(bytes: usize): usize {
  return reserve(FREE + bytes) ? FREE : 0;
}

/**
 * Widens the staged weights, in half precision and in the order of use, to their places in the layers: filters in panels of two V
 * of outputs, filters of the heads transposed.
 */
export function widen<V>(): void {
  describe();
  next = FREE;
  panels<V>(FIRST, 75, 24);
  straight(FIRST_BIAS, 24);
  for (let k = 1; k <= BLOCKS; k++) {
    const block = layer(k);
    straight(block.depthwise, 9 * <i32>(block.from >> 2));
    panels<V>(block.pointwise, <i32>(block.from >> 2), <i32>(block.to >> 2));
    straight(block.bias, <i32>(block.to >> 2));
  }
  // Boxes of the coarse grid, boxes of the fine grid, then the logits in the same order.
  transposed(PLACES + 32 * 384, 96);
  straight(PLACES_BIAS + 32 * 4, 96);
  transposed(PLACES, 32);
  straight(PLACES_BIAS, 32);
  transposed(LOGITS + 2 * 384, 6);
  straight(LOGITS_BIAS + 2 * 4, 6);
  transposed(LOGITS, 2);
  straight(LOGITS_BIAS, 2);
}

/** Reads the next half: a shift turns it into a float that is 2^112 times too small, which is exact except for infinities. */
// @ts-ignore: decorator
@inline
function half(): f32 {
  const bits = <u32>load<u16>(next);
  next += 2;
  return reinterpret<f32>(((bits & 0x7fff) << 13) | ((bits & 0x8000) << 16)) * <f32>5.192296858534828e33;
}

function straight(to: usize, count: i32): void {
  for (let k = 0; k < count; k++) store<f32>(to + (<usize>k << 2), half());
}

function panels<V>(to: usize, inputs: i32, outputs: i32): void {
  const wide = 2 * lanes<V>();
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      store<f32>(to + (<usize>((o / wide) * wide * inputs + i * wide + o % wide) << 2), half());
    }
  }
}

function transposed(to: usize, outputs: i32): void {
  for (let i = 0; i < 96; i++) {
    for (let o = 0; o < outputs; o++) store<f32>(to + (<usize>(o * 96 + i) << 2), half());
  }
}
