import { CONV2, CONV2_BIAS, FEATURES, MAP, PLANE, STAGE, TILE, TILES_IN, TILES_OUT } from './layout';
import { add, all, greater, madd, nmadd, read, splat, sub, write } from './vector';

/*
 * MAP to FEATURES: 3x3 convolution of 32 channels to 32, bias, ReLU, 2x2 max-pool, by Winograd's minimal filtering
 * F(4 x 4, 3 x 3): Y = A' [(G g G') * (B' d B)] A, after Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (2016). 16 tiles of 4 x 4 outputs cost 36 products per channel pair instead of 144.
 */
export function conv2<V>(): void {
  for (let tile: usize = 0; tile < 16; tile++) transformInput<V>(tile);
  multiply<V>();
  for (let tile: usize = 0; tile < 16; tile++) transformOutput<V>(tile);
}

/** B' d of one line of six. */
// @ts-ignore: decorator
@inline
function inputLine<V>(d0: V, d1: V, d2: V, d3: V, d4: V, d5: V, to: usize, step: usize): void {
  const four = all<V>(4), five = all<V>(5);
  const even = nmadd<V>(four, d2, d4), odd = nmadd<V>(four, d1, d3);
  const even2 = sub<V>(d4, d2), odd1 = sub<V>(d3, d1);
  const odd2 = add<V>(odd1, odd1);
  write<V>(to, madd<V>(four, d0, nmadd<V>(five, d2, d4)));
  write<V>(to + step, add<V>(even, odd));
  write<V>(to + 2 * step, sub<V>(even, odd));
  write<V>(to + 3 * step, add<V>(even2, odd2));
  write<V>(to + 4 * step, sub<V>(even2, odd2));
  write<V>(to + 5 * step, madd<V>(four, d1, nmadd<V>(five, d3, d5)));
}

function transformInput<V>(tile: usize): void {
  const row: usize = 18 * 128;
  const corner: usize = MAP + ((tile >> 2) * 18 + (tile & 3)) * 4 * 128;
  for (let c: usize = 0; c < 128; c += sizeof<V>()) {
    let d = corner + c;
    for (let j: usize = 0; j < 6 * 96; j += 96) {
      inputLine<V>(
        read<V>(d), read<V>(d, row), read<V>(d, 2 * row), read<V>(d, 3 * row), read<V>(d, 4 * row), read<V>(d, 5 * row),
        TILE + j, 16,
      );
      d += 128;
    }
    let to: usize = TILES_IN + tile * 128 + c;
    for (let i: usize = 0; i < 96; i += 16) {
      inputLine<V>(
        read<V>(TILE + i), read<V>(TILE + i, 96), read<V>(TILE + i, 192), read<V>(TILE + i, 288),
        read<V>(TILE + i, 384), read<V>(TILE + i, 480), to, PLANE,
      );
      to += 6 * PLANE;
    }
  }
}

/** For each of the 36 positions: [16 tiles][32] times [32][32]; 4 tiles by 2 V of outputs at a time. */
function multiply<V>(): void {
  const step: usize = sizeof<V>();
  let panel: usize = CONV2;
  for (let place: usize = 0; place < 36; place++) {
    const plane: usize = TILES_IN + place * PLANE;
    for (let o: usize = 0; o < 128; o += 2 * step) {
      let a = plane;
      let to: usize = TILES_OUT + place * PLANE + o;
      for (let t = 0; t < 16; t += 4) {
        let b = panel;
        let c00 = all<V>(0), c01 = all<V>(0), c10 = all<V>(0), c11 = all<V>(0);
        let c20 = all<V>(0), c21 = all<V>(0), c30 = all<V>(0), c31 = all<V>(0);
        for (let k: usize = 0; k < 128; k += 8) {
          const p = a + k;
          let b0 = read<V>(b), b1 = read<V>(b, step);
          let x = splat<V>(p);
          c00 = madd<V>(x, b0, c00); c01 = madd<V>(x, b1, c01);
          x = splat<V>(p + 128);
          c10 = madd<V>(x, b0, c10); c11 = madd<V>(x, b1, c11);
          x = splat<V>(p + 256);
          c20 = madd<V>(x, b0, c20); c21 = madd<V>(x, b1, c21);
          x = splat<V>(p + 384);
          c30 = madd<V>(x, b0, c30); c31 = madd<V>(x, b1, c31);
          b0 = read<V>(b, 2 * step); b1 = read<V>(b, 3 * step);
          x = splat<V>(p + 4);
          c00 = madd<V>(x, b0, c00); c01 = madd<V>(x, b1, c01);
          x = splat<V>(p + 132);
          c10 = madd<V>(x, b0, c10); c11 = madd<V>(x, b1, c11);
          x = splat<V>(p + 260);
          c20 = madd<V>(x, b0, c20); c21 = madd<V>(x, b1, c21);
          x = splat<V>(p + 388);
          c30 = madd<V>(x, b0, c30); c31 = madd<V>(x, b1, c31);
          b += 4 * step;
        }
        write<V>(to, c00); write<V>(to + step, c01);
        write<V>(to + 128, c10); write<V>(to + 128 + step, c11);
        write<V>(to + 256, c20); write<V>(to + 256 + step, c21);
        write<V>(to + 384, c30); write<V>(to + 384 + step, c31);
        a += 512;
        to += 512;
      }
      panel += 64 * step;
    }
  }
}

function transformOutput<V>(tile: usize): void {
  const two = all<V>(2), four = all<V>(4), eight = all<V>(8);
  let to: usize = FEATURES + ((tile >> 2) * 8 + (tile & 3)) * 2 * 128;
  for (let c: usize = 0; c < 128; c += sizeof<V>()) {
    // Columns first, [6][6] to [4][6]; the bias is added after the maximum.
    let m: usize = TILES_OUT + tile * 128 + c;
    for (let j: usize = 0; j < 6 * 64; j += 64) {
      const m0 = read<V>(m), m1 = read<V>(m, 6 * PLANE), m2 = read<V>(m, 12 * PLANE);
      const m3 = read<V>(m, 18 * PLANE), m4 = read<V>(m, 24 * PLANE), m5 = read<V>(m, 30 * PLANE);
      const sum = add<V>(m1, m2), difference = sub<V>(m1, m2);
      const sum2 = add<V>(m3, m4), difference2 = sub<V>(m3, m4);
      write<V>(TILE + j, add<V>(add<V>(m0, sum), sum2));
      write<V>(TILE + j + 16, madd<V>(two, difference2, difference));
      write<V>(TILE + j + 32, madd<V>(four, sum2, sum));
      write<V>(TILE + j + 48, add<V>(madd<V>(eight, difference2, difference), m5));
      m += PLANE;
    }
    const bias = read<V>(CONV2_BIAS + c);
    for (let i: usize = 0; i < 64; i += 32) {
      let left = all<V>(-Infinity), right = all<V>(-Infinity);
      for (let k: usize = 0; k < 32; k += 16) {
        const line = TILE + i + k;
        const m0 = read<V>(line), m1 = read<V>(line, 64), m2 = read<V>(line, 128);
        const m3 = read<V>(line, 192), m4 = read<V>(line, 256), m5 = read<V>(line, 320);
        const sum = add<V>(m1, m2), difference = sub<V>(m1, m2);
        const sum2 = add<V>(m3, m4), difference2 = sub<V>(m3, m4);
        left = greater<V>(greater<V>(add<V>(add<V>(m0, sum), sum2), madd<V>(two, difference2, difference)), left);
        right = greater<V>(
          greater<V>(madd<V>(four, sum2, sum), add<V>(madd<V>(eight, difference2, difference), m5)),
          right,
        );
      }
      const cell = to + (i << 5) + c;
      write<V>(cell, greater<V>(add<V>(left, bias), all<V>(0)));
      write<V>(cell + 128, greater<V>(add<V>(right, bias), all<V>(0)));
    }
  }
}

/** G g of one line of three. */
// @ts-ignore: decorator
@inline
function filterLine(g0: f64, g1: f64, g2: f64, to: usize, step: usize): void {
  store<f64>(to, g0 / 4);
  store<f64>(to + step, -(g0 + g1 + g2) / 6);
  store<f64>(to + 2 * step, (g1 - g0 - g2) / 6);
  store<f64>(to + 3 * step, g0 / 24 + g1 / 12 + g2 / 6);
  store<f64>(to + 4 * step, g0 / 24 - g1 / 12 + g2 / 6);
  store<f64>(to + 5 * step, g2);
}

/** STAGE [3,3,32,32] to CONV2: G g G', once, in double. */
export function transformFilters<V>(): void {
  const middle: usize = TILES_IN, last: usize = TILES_IN + 6 * 3 * 8;
  const step: usize = sizeof<V>();
  for (let i: usize = 0; i < 32; i++) {
    for (let o: usize = 0; o < 128; o += 4) {
      for (let j: usize = 0; j < 3; j++) {
        const g: usize = STAGE + j * 4096 + i * 128 + o;
        filterLine(load<f32>(g), load<f32>(g, 3 * 4096), load<f32>(g, 6 * 4096), middle + j * 8, 24);
      }
      for (let k: usize = 0; k < 6; k++) {
        const line = middle + k * 24;
        filterLine(load<f64>(line), load<f64>(line, 8), load<f64>(line, 16), last, 8);
        for (let l: usize = 0; l < 6; l++) {
          const panel = (k * 6 + l) * 4096 + o / (2 * step) * 64 * step;
          store<f32>(CONV2 + panel + i * 2 * step + o % (2 * step), <f32>load<f64>(last + l * 8));
        }
      }
    }
  }
}
