/*
 * Max-pooling, NHWC. Of equal values in a window, the first in row order counts as the maximum. NaN values are
 * ignored. Both are the same on TF.js's cpu backend.
 */

/** First row or column of the image that a window sees; `before` are those of the padding. */
// @ts-ignore: decorator
@inline
function firstSeen(index: i32, stride: i32, before: i32): i32 {
  return max(0, index * stride - before);
}

/** How many of the `size` rows or columns of the image the window sees. */
// @ts-ignore: decorator
@inline
function countSeen(index: i32, stride: i32, before: i32, window: i32, size: i32): i32 {
  return max(0, min(size, index * stride - before + window) - firstSeen(index, stride, before));
}

export function maxPool(
  x: usize, out: usize, batch: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel = 4 * <usize>channels;
  const line = <usize>width * pixel;
  for (let n = 0; n < batch; n++) {
    const image = x + <usize>(n * height) * line;
    for (let row = 0; row < outHeight; row++) {
      const firstRow = firstSeen(row, strideHeight, top);
      const lastRow = firstRow + countSeen(row, strideHeight, top, windowHeight, height);
      for (let column = 0; column < outWidth; column++) {
        const firstColumn = firstSeen(column, strideWidth, left);
        const lastColumn = firstColumn + countSeen(column, strideWidth, left, windowWidth, width);
        const corner = image + <usize>firstRow * line + <usize>firstColumn * pixel;
        const rows = lastRow - firstRow, columns = lastColumn - firstColumn;
        let c = 0;
        if (rows == 2 && columns == 2) {
          for (; c + 4 <= channels; c += 4) {
            const p = corner + 4 * <usize>c;
            const q = p + line;
            let best = f32x4.pmax(f32x4.splat(-Infinity), v128.load(p));
            best = f32x4.pmax(best, v128.load(p + pixel));
            best = f32x4.pmax(best, v128.load(q));
            best = f32x4.pmax(best, v128.load(q + pixel));
            v128.store(out, best);
            out += 16;
          }
        }
        for (; c + 4 <= channels; c += 4) {
          let best = f32x4.splat(-Infinity);
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              best = f32x4.pmax(best, v128.load(p));
              p += pixel;
            }
          }
          v128.store(out, best);
          out += 16;
        }
        for (; c < channels; c++) {
          let best: f32 = -Infinity;
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              const value = load<f32>(p);
              if (value > best) best = value;
              p += pixel;
            }
          }
          store<f32>(out, best);
          out += 4;
        }
      }
    }
  }
}

export function maxPoolGradient(
  x: usize, dy: usize, dx: usize, batch: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel = 4 * <usize>channels;
  const line = <usize>width * pixel;
  // Adjacent 2 x 2 windows that cover the image: every value is written once.
  const tiled = windowHeight == 2 && windowWidth == 2 && strideHeight == 2 && strideWidth == 2 && top == 0 && left == 0 &&
    outHeight * 2 == height && outWidth * 2 == width;
  const vectors = channels & ~3;
  if (!tiled || vectors != channels) memory.fill(dx, 0, <usize>(batch * height) * line);

  for (let n = 0; n < batch; n++) {
    const image = x + <usize>(n * height) * line;
    const gradient = dx + <usize>(n * height) * line;
    for (let row = 0; row < outHeight; row++) {
      const firstRow = firstSeen(row, strideHeight, top);
      const lastRow = firstRow + countSeen(row, strideHeight, top, windowHeight, height);
      for (let column = 0; column < outWidth; column++) {
        const firstColumn = firstSeen(column, strideWidth, left);
        const lastColumn = firstColumn + countSeen(column, strideWidth, left, windowWidth, width);
        const corner = <usize>firstRow * line + <usize>firstColumn * pixel;
        let c = 0;
        if (tiled) {
          for (; c < vectors; c += 4) {
            const offset = corner + 4 * <usize>c;
            const p = image + offset, q = p + line;
            const x0 = v128.load(p), x1 = v128.load(p + pixel), x2 = v128.load(q), x3 = v128.load(q + pixel);
            const none = f32x4.splat(-Infinity);
            const best0 = f32x4.pmax(none, x0);
            const best1 = f32x4.pmax(best0, x1);
            const best2 = f32x4.pmax(best1, x2);
            const is3 = f32x4.gt(x3, best2);
            const is2 = v128.andnot(f32x4.gt(x2, best1), is3);
            const later2 = v128.or(is2, is3);
            const is1 = v128.andnot(f32x4.gt(x1, best0), later2);
            const is0 = v128.andnot(f32x4.gt(x0, none), v128.or(is1, later2));
            const g = v128.load(dy);
            const to = gradient + offset, below = to + line;
            v128.store(to, v128.and(g, is0));
            v128.store(to + pixel, v128.and(g, is1));
            v128.store(below, v128.and(g, is2));
            v128.store(below + pixel, v128.and(g, is3));
            dy += 16;
          }
        }
        for (; c + 4 <= channels; c += 4) {
          let best = f32x4.splat(-Infinity);
          let where = i32x4.splat(-1);
          for (let i = firstRow; i < lastRow; i++) {
            for (let j = firstColumn; j < lastColumn; j++) {
              const value = v128.load(image + <usize>i * line + <usize>j * pixel + 4 * <usize>c);
              const more = f32x4.gt(value, best);
              best = v128.bitselect(value, best, more);
              where = v128.bitselect(i32x4.splat(i * width + j), where, more);
            }
          }
          const to = gradient + 4 * <usize>c;
          addAt(to, pixel, i32x4.extract_lane(where, 0), load<f32>(dy));
          addAt(to + 4, pixel, i32x4.extract_lane(where, 1), load<f32>(dy, 4));
          addAt(to + 8, pixel, i32x4.extract_lane(where, 2), load<f32>(dy, 8));
          addAt(to + 12, pixel, i32x4.extract_lane(where, 3), load<f32>(dy, 12));
          dy += 16;
        }
        for (; c < channels; c++) {
          let best: f32 = -Infinity;
          let where = -1;
          for (let i = firstRow; i < lastRow; i++) {
            for (let j = firstColumn; j < lastColumn; j++) {
              const value = load<f32>(image + <usize>i * line + <usize>j * pixel + 4 * <usize>c);
              if (value > best) {
                best = value;
                where = i * width + j;
              }
            }
          }
          addAt(gradient + 4 * <usize>c, pixel, where, load<f32>(dy));
          dy += 4;
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addAt(plane: usize, pixel: usize, where: i32, value: f32): void {
  if (where < 0) return;
  const to = plane + <usize>where * pixel;
  store<f32>(to, load<f32>(to) + value);
}

/** Means of the values that each window sees; those outside the image do not count. */
export function averagePool(
  x: usize, out: usize, batch: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel = 4 * <usize>channels;
  const line = <usize>width * pixel;
  for (let n = 0; n < batch; n++) {
    const image = x + <usize>(n * height) * line;
    for (let row = 0; row < outHeight; row++) {
      const firstRow = firstSeen(row, strideHeight, top);
      const rows = countSeen(row, strideHeight, top, windowHeight, height);
      for (let column = 0; column < outWidth; column++) {
        const firstColumn = firstSeen(column, strideWidth, left);
        const columns = countSeen(column, strideWidth, left, windowWidth, width);
        const corner = image + <usize>firstRow * line + <usize>firstColumn * pixel;
        const share = <f32>1 / <f32>(rows * columns);
        let c = 0;
        for (; c + 4 <= channels; c += 4) {
          let sum = f32x4.splat(0);
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              sum = f32x4.add(sum, v128.load(p));
              p += pixel;
            }
          }
          v128.store(out, f32x4.mul(sum, f32x4.splat(share)));
          out += 16;
        }
        for (; c < channels; c++) {
          let sum: f32 = 0;
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              sum += load<f32>(p);
              p += pixel;
            }
          }
          store<f32>(out, sum * share);
          out += 4;
        }
      }
    }
  }
}

/** dx: every value that a window saw gets the same share of the window's gradient. */
export function averagePoolGradient(
  dy: usize, dx: usize, batch: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  windowHeight: i32, windowWidth: i32, strideHeight: i32, strideWidth: i32, top: i32, left: i32,
): void {
  const pixel = 4 * <usize>channels;
  const line = <usize>width * pixel;
  memory.fill(dx, 0, <usize>(batch * height) * line);
  for (let n = 0; n < batch; n++) {
    const image = dx + <usize>(n * height) * line;
    for (let row = 0; row < outHeight; row++) {
      const firstRow = firstSeen(row, strideHeight, top);
      const rows = countSeen(row, strideHeight, top, windowHeight, height);
      for (let column = 0; column < outWidth; column++) {
        const firstColumn = firstSeen(column, strideWidth, left);
        const columns = countSeen(column, strideWidth, left, windowWidth, width);
        const corner = image + <usize>firstRow * line + <usize>firstColumn * pixel;
        const share = <f32>1 / <f32>(rows * columns);
        let c = 0;
        for (; c + 4 <= channels; c += 4) {
          const part = f32x4.mul(v128.load(dy), f32x4.splat(share));
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              v128.store(p, f32x4.add(v128.load(p), part));
              p += pixel;
            }
          }
          dy += 16;
        }
        for (; c < channels; c++) {
          const part = load<f32>(dy) * share;
          for (let i = 0; i < rows; i++) {
            let p = corner + <usize>i * line + 4 * <usize>c;
            for (let j = 0; j < columns; j++) {
              store<f32>(p, load<f32>(p) + part);
              p += pixel;
            }
          }
          dy += 4;
        }
      }
    }
  }
}
