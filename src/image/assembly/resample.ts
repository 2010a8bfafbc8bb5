/*
 * src/image/resample.ts, in vectors of two doubles: the same sums in the same order, so the same bits. Sizes in elements,
 * addresses in bytes.
 */

/**
 * Adds rows `y` .. `yEnd` of an image to the sums of the output rows, [rows, columns * wanted].
 *
 * @param pixels - Row `y`; rows are `stride` bytes long, and the first `count` pixels of each are read.
 * @param floats - 1 for float levels, which must have `wanted` channels; 0 for bytes.
 * @param columns - Number of output columns. Column i reads pixels start[i] .. end[i] - 1, with `taps` weights each.
 * @param line - Scratch of wanted * count + 8 doubles; `narrow` of columns * wanted + 2 floats.
 */
export function resampleRows(
  pixels: usize, stride: i32, floats: i32, channels: i32, wanted: i32, count: i32, y: i32, yEnd: i32,
  columns: i32, columnStart: usize, columnEnd: usize, columnWeights: usize, columnTaps: i32,
  rows: i32, rowStart: usize, rowEnd: usize, rowWeights: usize, rowTaps: i32,
  line: usize, narrow: usize, sums: usize,
): void {
  const rowLength = columns * wanted;
  const unit: f64 = wanted == 1 && channels > 1 ? 0.001 : 1;
  let first = 0;
  for (; y < yEnd; y++) {
    while (load<i32>(rowEnd + 4 * first) <= y) first++;
    if (floats) readFloats(pixels, wanted, count, line);
    else readLevels(pixels, channels, wanted, count, line);
    pixels += stride;

    for (let c = 0; c < wanted; c++) {
      const plane = line + 8 * <usize>(c * count);
      for (let i = 0; i < columns; i++) {
        const start = load<i32>(columnStart + 4 * i);
        const sum = convolve(
          plane + 8 * <usize>start, columnWeights + 8 * <usize>(i * columnTaps),
          load<i32>(columnEnd + 4 * i) - start,
        );
        store<f32>(narrow + 4 * (i * wanted + c), <f32>(unit * sum));
      }
    }
    for (let i = first; i < rows && load<i32>(rowStart + 4 * i) <= y; i++) {
      const weight = load<f64>(rowWeights + 8 * <usize>(i * rowTaps + y - load<i32>(rowStart + 4 * i)));
      let to = sums + 8 * <usize>(i * rowLength);
      let from = narrow;
      let k = 0;
      for (; k + 1 < rowLength; k += 2) {
        const two = f64x2.promote_low_f32x4(v128.load64_zero(from));
        v128.store(to, f64x2.add(v128.load(to), f64x2.mul(f64x2.splat(weight), two)));
        from += 8; to += 16;
      }
      if (k < rowLength) store<f64>(to, load<f64>(to) + weight * <f64>load<f32>(from));
    }
  }
}

/** Four running sums, as in src/image/resample.ts. */
// @ts-ignore: decorator
@inline
function convolve(values: usize, weights: usize, count: i32): f64 {
  let ab = f64x2.splat(0), de = f64x2.splat(0);
  let k = count;
  for (; k >= 4; k -= 4) {
    ab = f64x2.add(ab, f64x2.mul(v128.load(weights), v128.load(values)));
    de = f64x2.add(de, f64x2.mul(v128.load(weights, 16), v128.load(values, 16)));
    weights += 32; values += 32;
  }
  let a = f64x2.extract_lane(ab, 0);
  for (; k > 0; k--) {
    a += load<f64>(weights) * load<f64>(values);
    weights += 8; values += 8;
  }
  return a + f64x2.extract_lane(ab, 1) + (f64x2.extract_lane(de, 0) + f64x2.extract_lane(de, 1));
}

// @ts-ignore: decorator
@inline
function storeFour(line: usize, four: v128): void {
  v128.store(line, f64x2.convert_low_i32x4_s(four));
  v128.store(line, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(four, four, 2, 3, 2, 3)), 16);
}

/** Integer levels, one plane per wanted channel; luma as 299 R + 587 G + 114 B. Four pixels at a time, so up to 3 extra. */
function readLevels(pixels: usize, channels: i32, wanted: i32, count: i32, line: usize): void {
  if (channels == 1) {
    for (let k = 0; k < count; k += 4) {
      const four = i16x8.extend_low_i8x16_u(v128.load32_zero(pixels + k));
      storeFour(line + 8 * k, i32x4.extend_low_i16x8_u(four));
    }
    for (let c = 1; c < wanted; c++) memory.copy(line + 8 * <usize>(c * count), line, 8 * <usize>count);
    return;
  }
  if (wanted == 1) {
    for (let k = 0; k < count; k += 4) {
      storeFour(line, luma(fourPixels(pixels, channels)));
      pixels += 4 * channels; line += 32;
    }
    return;
  }
  const plane = 8 * <usize>count;
  for (let k = 0; k < count; k++) {
    for (let c = 0; c < 3; c++) {
      let level: u32 = load<u8>(pixels + c);
      if (channels == 4) level = onBlack(level, load<u8>(pixels, 3));
      store<f64>(line + plane * c, level);
    }
    pixels += channels; line += 8;
  }
}

/** Red, green, blue and an unused value, four times. */
// @ts-ignore: decorator
@inline
function fourPixels(pixels: usize, channels: i32): v128 {
  const bytes = v128.load(pixels);
  if (channels == 3) return v128.shuffle<i8>(bytes, bytes, 0, 1, 2, 0, 3, 4, 5, 3, 6, 7, 8, 6, 9, 10, 11, 9);
  const opaque = i32x4.splat(<i32>0xff000000);
  if (v128.any_true(v128.xor(v128.and(bytes, opaque), opaque)) == false) return bytes;
  let composed = bytes;
  for (let k = 0; k < 4; k++) {
    const alpha: u32 = load<u8>(pixels + 4 * k + 3);
    const red = onBlack(load<u8>(pixels + 4 * k), alpha);
    const green = onBlack(load<u8>(pixels + 4 * k + 1), alpha);
    const blue = onBlack(load<u8>(pixels + 4 * k + 2), alpha);
    const pixel = red | (green << 8) | (blue << 16);
    const lane = i32x4.eq(i32x4.splat(k), i32x4(0, 1, 2, 3));
    composed = v128.bitselect(i32x4.splat(pixel), composed, lane);
  }
  return composed;
}

/** Composites on black, rounded to the nearest level; exact halves do not occur. */
// @ts-ignore: decorator
@inline
function onBlack(level: u32, alpha: u32): u32 {
  return (2 * level * alpha + 255) / 510;
}

// @ts-ignore: decorator
@inline
function luma(bytes: v128): v128 {
  const none = i8x16.splat(0);
  const redGreen = v128.shuffle<i8>(bytes, none, 0, 16, 1, 16, 4, 16, 5, 16, 8, 16, 9, 16, 12, 16, 13, 16);
  const blue = v128.shuffle<i8>(bytes, none, 2, 16, 16, 16, 6, 16, 16, 16, 10, 16, 16, 16, 14, 16, 16, 16);
  return i32x4.add(
    i32x4.dot_i16x8_s(redGreen, i16x8(299, 587, 299, 587, 299, 587, 299, 587)),
    i32x4.dot_i16x8_s(blue, i16x8.splat(114)),
  );
}

function readFloats(pixels: usize, wanted: i32, count: i32, line: usize): void {
  const plane = 8 * <usize>count;
  for (let c = 0; c < wanted; c++) {
    let from = pixels + 4 * c, to = line + plane * c;
    for (let k = 0; k < count; k++) {
      store<f64>(to, <f64>load<f32>(from));
      from += 4 * wanted; to += 8;
    }
  }
}
