import { border, borderedExtent } from './conv';
import { madd } from './madd';

/*
 * Depthwise convolutions, one filter per channel, of any size, stride, padding and dilation. NHWC activations, filters
 * [height, width, channels]. Sizes in elements, addresses in bytes. Eight channels and four pixels at a time: eight
 * accumulators, two vectors of weights.
 */

export function depthwiseScratch(
  filterHeight: i32, filterWidth: i32, channels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
): i32 {
  return 4 * borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight) *
    borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth) * channels + 4 * filterHeight * filterWidth * channels + 64;
}

/** out = x * filter, channel by channel. */
export function depthwise(
  x: usize, filter: usize, out: usize,
  batch: i32, height: i32, width: i32, channels: i32,
  filterHeight: i32, filterWidth: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const tall = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const wide = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const pixel: usize = 4 * <usize>channels;
  const image = (scratch + 15) & ~15;
  const step = <usize>strideWidth * pixel;
  const tapRow = <usize>(dilationHeight * wide) * pixel, tapColumn = <usize>dilationWidth * pixel;
  for (let n = 0; n < batch; n++) {
    border(x + <usize>(n * height * width) * pixel, height, width, channels, top, left, image, tall, wide);
    for (let row = 0; row < outHeight; row++) {
      const line = image + <usize>(row * strideHeight * wide) * pixel;
      const to = out + <usize>((n * outHeight + row) * outWidth) * pixel;
      let c = 0;
      for (; c + 8 <= channels; c += 8) {
        let p = line + 4 * <usize>c, q = to + 4 * <usize>c;
        const w = filter + 4 * <usize>c;
        let column = outWidth;
        for (; column >= 4; column -= 4) {
          fourPixels(p, step, w, pixel, filterHeight, filterWidth, tapRow, tapColumn, q);
          p += 4 * step; q += 4 * pixel;
        }
        for (; column > 0; column--) {
          onePixel(p, w, pixel, filterHeight, filterWidth, tapRow, tapColumn, q);
          onePixel(p + 16, w + 16, pixel, filterHeight, filterWidth, tapRow, tapColumn, q + 16);
          p += step; q += pixel;
        }
      }
      for (; c + 4 <= channels; c += 4) {
        let p = line + 4 * <usize>c, q = to + 4 * <usize>c;
        for (let column = 0; column < outWidth; column++) {
          onePixel(p, filter + 4 * <usize>c, pixel, filterHeight, filterWidth, tapRow, tapColumn, q);
          p += step; q += pixel;
        }
      }
      for (; c < channels; c++) {
        for (let column = 0; column < outWidth; column++) {
          const p = line + 4 * <usize>c + <usize>column * step;
          let w = filter + 4 * <usize>c;
          let sum: f32 = 0;
          for (let i = 0; i < filterHeight; i++) {
            for (let j = 0; j < filterWidth; j++) {
              sum += load<f32>(p + <usize>i * tapRow + <usize>j * tapColumn) * load<f32>(w);
              w += pixel;
            }
          }
          store<f32>(to + 4 * <usize>c + <usize>column * pixel, sum);
        }
      }
    }
  }
}

function fourPixels(
  p: usize, step: usize, w: usize, pixel: usize, filterHeight: i32, filterWidth: i32, tapRow: usize, tapColumn: usize, q: usize,
): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  const step2 = 2 * step, step3 = 3 * step;
  for (let i = 0; i < filterHeight; i++) {
    let s = p;
    for (let j = 0; j < filterWidth; j++) {
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      a0 = madd(v128.load(s), w0, a0); a1 = madd(v128.load(s, 16), w1, a1);
      b0 = madd(v128.load(s + step), w0, b0); b1 = madd(v128.load(s + step, 16), w1, b1);
      c0 = madd(v128.load(s + step2), w0, c0); c1 = madd(v128.load(s + step2, 16), w1, c1);
      d0 = madd(v128.load(s + step3), w0, d0); d1 = madd(v128.load(s + step3, 16), w1, d1);
      s += tapColumn; w += pixel;
    }
    p += tapRow;
  }
  v128.store(q, a0); v128.store(q, a1, 16); q += pixel;
  v128.store(q, b0); v128.store(q, b1, 16); q += pixel;
  v128.store(q, c0); v128.store(q, c1, 16); q += pixel;
  v128.store(q, d0); v128.store(q, d1, 16);
}

function onePixel(
  p: usize, w: usize, pixel: usize, filterHeight: i32, filterWidth: i32, tapRow: usize, tapColumn: usize, q: usize,
): void {
  let sum = f32x4.splat(0);
  for (let i = 0; i < filterHeight; i++) {
    let s = p;
    for (let j = 0; j < filterWidth; j++) {
      sum = madd(v128.load(s), v128.load(w), sum);
      s += tapColumn; w += pixel;
    }
    p += tapRow;
  }
  v128.store(q, sum);
}

/** dFilter = the inputs under each tap times dy, summed over all pixels. */
export function depthwiseFilterGradient(
  x: usize, dy: usize, dFilter: usize,
  batch: i32, height: i32, width: i32, channels: i32,
  filterHeight: i32, filterWidth: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const tall = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const wide = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const pixel: usize = 4 * <usize>channels;
  const image = (scratch + 15) & ~15;
  const step = <usize>strideWidth * pixel, tapColumn = <usize>dilationWidth * pixel;
  memory.fill(dFilter, 0, <usize>(filterHeight * filterWidth) * pixel);
  for (let n = 0; n < batch; n++) {
    border(x + <usize>(n * height * width) * pixel, height, width, channels, top, left, image, tall, wide);
    for (let row = 0; row < outHeight; row++) {
      const g = dy + <usize>((n * outHeight + row) * outWidth) * pixel;
      for (let i = 0; i < filterHeight; i++) {
        const line = image + <usize>((row * strideHeight + i * dilationHeight) * wide) * pixel;
        const to = dFilter + <usize>(i * filterWidth) * pixel;
        let c: usize = 0;
        for (; c + 32 <= pixel; c += 32) {
          let j = 0;
          for (; j + 3 <= filterWidth; j += 3) {
            threeTaps(line + c + <usize>j * tapColumn, step, tapColumn, g + c, pixel, outWidth, to + c + <usize>j * pixel);
          }
          for (; j < filterWidth; j++) {
            oneTap(line + c + <usize>j * tapColumn, step, g + c, pixel, outWidth, to + c + <usize>j * pixel);
            oneTap(line + c + 16 + <usize>j * tapColumn, step, g + c + 16, pixel, outWidth, to + c + 16 + <usize>j * pixel);
          }
        }
        for (; c + 16 <= pixel; c += 16) {
          for (let j = 0; j < filterWidth; j++) {
            oneTap(line + c + <usize>j * tapColumn, step, g + c, pixel, outWidth, to + c + <usize>j * pixel);
          }
        }
        for (; c < pixel; c += 4) {
          for (let j = 0; j < filterWidth; j++) {
            let p = line + c + <usize>j * tapColumn, q = g + c;
            let sum: f32 = 0;
            for (let column = 0; column < outWidth; column++) {
              sum += load<f32>(p) * load<f32>(q);
              p += step; q += pixel;
            }
            const at = to + c + <usize>j * pixel;
            store<f32>(at, load<f32>(at) + sum);
          }
        }
      }
    }
  }
}

function threeTaps(p: usize, step: usize, tapColumn: usize, g: usize, pixel: usize, columns: i32, to: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0;
  const tap2 = 2 * tapColumn;
  for (let column = columns; column > 0; column--) {
    const g0 = v128.load(g), g1 = v128.load(g, 16);
    a0 = madd(v128.load(p), g0, a0); a1 = madd(v128.load(p, 16), g1, a1);
    b0 = madd(v128.load(p + tapColumn), g0, b0); b1 = madd(v128.load(p + tapColumn, 16), g1, b1);
    c0 = madd(v128.load(p + tap2), g0, c0); c1 = madd(v128.load(p + tap2, 16), g1, c1);
    p += step; g += pixel;
  }
  addTo(to, a0, a1);
  addTo(to + pixel, b0, b1);
  addTo(to + 2 * pixel, c0, c1);
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, s0: v128, s1: v128): void {
  v128.store(to, f32x4.add(v128.load(to), s0));
  v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
}

function oneTap(p: usize, step: usize, g: usize, pixel: usize, columns: i32, to: usize): void {
  let sum = f32x4.splat(0);
  for (let column = columns; column > 0; column--) {
    sum = madd(v128.load(p), v128.load(g), sum);
    p += step; g += pixel;
  }
  v128.store(to, f32x4.add(v128.load(to), sum));
}

/** dx = dy times the filter, added to the inputs under each tap. */
export function depthwiseInputGradient(
  dy: usize, filter: usize, dx: usize,
  batch: i32, height: i32, width: i32, channels: i32,
  filterHeight: i32, filterWidth: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const tall = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const wide = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const pixel: usize = 4 * <usize>channels;
  const image = (scratch + 15) & ~15;
  const step = <usize>strideWidth * pixel;
  for (let n = 0; n < batch; n++) {
    memory.fill(image, 0, <usize>(tall * wide) * pixel);
    for (let row = 0; row < outHeight; row++) {
      const g = dy + <usize>((n * outHeight + row) * outWidth) * pixel;
      for (let i = 0; i < filterHeight; i++) {
        for (let j = 0; j < filterWidth; j++) {
          const w = filter + <usize>(i * filterWidth + j) * pixel;
          const line = image +
            <usize>((row * strideHeight + i * dilationHeight) * wide + j * dilationWidth) * pixel;
          for (let column = 0; column < outWidth; column++) {
            addProduct(line + <usize>column * step, g + <usize>column * pixel, w, channels);
          }
        }
      }
    }
    // Removes the padding.
    border(image, tall, wide, channels, -top, -left, dx + <usize>(n * height * width) * pixel, height, width);
  }
}

// @ts-ignore: decorator
@inline
function addProduct(to: usize, g: usize, w: usize, channels: i32): void {
  let c = channels;
  for (; c >= 4; c -= 4) {
    v128.store(to, madd(v128.load(g), v128.load(w), v128.load(to)));
    to += 16; g += 16; w += 16;
  }
  for (; c > 0; c--) {
    store<f32>(to, load<f32>(to) + load<f32>(g) * load<f32>(w));
    to += 4; g += 4; w += 4;
  }
}

/** The taps of the filters in reverse order: rotated by 180 degrees. */
export function turnTaps(filter: usize, taps: i32, channels: i32, to: usize): void {
  const pixel: usize = 4 * <usize>channels;
  for (let tap = 0; tap < taps; tap++) {
    memory.copy(to + <usize>tap * pixel, filter + <usize>(taps - 1 - tap) * pixel, pixel);
  }
}
