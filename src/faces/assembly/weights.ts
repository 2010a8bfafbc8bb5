import { lanes } from '../../network/assembly/vector';
import { describe, layer, reserve } from './layers';
import { LARGEST, LARGEST_SUM, LONGEST_FILTER } from './integers';
import { BLOCKS, FIRST, FIRST_BIAS, FIRST_FACTORS, FREE, INTEGERS, LOGITS, LOGITS_BIAS, PLACES, PLACES_BIAS } from './layout';

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
  if (INTEGERS) firstPairs();
  else panels<V>(FIRST, 75, 24);
  straight(FIRST_BIAS, 24);
  for (let k = 1; k <= BLOCKS; k++) {
    const block = layer(k);
    straight(block.depthwise, 9 * <i32>(block.from >> 2));
    if (INTEGERS) pairs(block.pointwise, <i32>(block.from >> 2), <i32>(block.to >> 2), block.bias + block.to);
    else panels<V>(block.pointwise, <i32>(block.from >> 2), <i32>(block.to >> 2));
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

/**
 * The next filters as integers: for every eight outputs, the weights of input pairs (0, 4), (1, 5), (2, 6), (3, 7), (8, 12) ... of
 * each output in turn. A filter's factor, at `factors`, is the value of its integer 1.
 */
function pairs(to: usize, inputs: i32, outputs: i32, factors: usize): void {
  const start = next;
  for (let o = 0; o < outputs; o++) {
    const scale = scaleOf(start, o, inputs, outputs);
    store<f32>(factors + (<usize>o << 2), <f32>(1 / scale));
    for (let i = 0; i < inputs; i++) {
      const pair = (i >> 3) * 4 + (i & 3);
      const at = ((o >> 3) * (inputs >> 1) + pair) * 16 + (o & 7) * 2 + ((i >> 2) & 1);
      next = start + 2 * <usize>(i * outputs + o);
      store<i16>(to + (<usize>at << 1), <i16>nearest(<f64>half() * scale));
    }
  }
  next = start + 2 * <usize>(inputs * outputs);
}

/**
 * The first filters as integers: of each row of 5 pixels, 15 inputs and a zero, in pairs of neighbours. What rounding takes from a
 * weight goes to the next weight of the same colour, because neighbouring pixels are alike.
 */
function firstPairs(): void {
  const start = next;
  for (let o = 0; o < 24; o++) {
    const scale = scaleOf(start, o, 75, 24);
    store<f32>(FIRST_FACTORS + (<usize>o << 2), <f32>(1 / (scale * LARGEST)));
    for (let colour = 0; colour < 3; colour++) {
      let rest: f64 = 0;
      for (let i = colour; i < 75; i += 3) {
        next = start + 2 * <usize>(i * 24 + o);
        const wanted = <f64>half() * scale + rest;
        const weight = nearest(wanted);
        rest = wanted - weight;
        const input = i + i / 15;
        const at = ((o >> 3) * 40 + (input >> 1)) * 16 + (o & 7) * 2 + (input & 1);
        store<i16>(FIRST + (<usize>at << 1), <i16>weight);
      }
    }
  }
  next = start + 2 * 75 * 24;
}

/** The scale of output `o` of the filters at `start`: its sums stay within 32 bits, its weights within 16. */
function scaleOf(start: usize, o: i32, inputs: i32, outputs: i32): f64 {
  let sum: f64 = 0, squares: f64 = 0, largest: f64 = 0;
  for (let i = 0; i < inputs; i++) {
    next = start + 2 * <usize>(i * outputs + o);
    const size = <f64>abs(half());
    sum += size;
    squares += size * size;
    largest = max(largest, size);
  }
  const most = inputs == 75 ? (LARGEST_SUM - 75) / sum : LONGEST_FILTER / Math.sqrt(squares);
  return min(most, 32767 / largest);
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
