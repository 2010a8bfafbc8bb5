import {
  BLOCK_K, columnsTimesColumns, gemm, gemmScratch, multiplyPanels, packB, roundUp, rowsTimesPanel, TILE_BYTES, transpose4,
} from './gemm';

/*
 * Convolutions of any size, stride, padding and dilation, as matrix products whose rows are gathered one panel at a
 * time (im2col). NHWC activations, HWIO filters. Sizes in elements, addresses in bytes.
 */

/** Rows or columns of the padded image, so that the windows of all output pixels fit exactly. */
// @ts-ignore: decorator
@inline
export function borderedExtent(outSize: i32, stride: i32, filterSize: i32, dilation: i32): i32 {
  return (outSize - 1) * stride + (filterSize - 1) * dilation + 1;
}

/** The image with zeros around it: `top` rows above and `left` columns before; cells that do not fit are dropped. */
export function border(
  x: usize, height: i32, width: i32, channels: i32, top: i32, left: i32, to: usize, toHeight: i32, toWidth: i32,
): void {
  const pixel = 4 * <usize>channels;
  const firstColumn = max(0, left), lastColumn = min(toWidth, left + width);
  for (let row = 0; row < toHeight; row++) {
    const line = to + <usize>(row * toWidth) * pixel;
    const source = row - top;
    if (source < 0 || source >= height || lastColumn <= firstColumn) {
      memory.fill(line, 0, <usize>toWidth * pixel);
      continue;
    }
    memory.fill(line, 0, <usize>firstColumn * pixel);
    memory.copy(
      line + <usize>firstColumn * pixel,
      x + <usize>(source * width + firstColumn - left) * pixel,
      <usize>(lastColumn - firstColumn) * pixel,
    );
    memory.fill(line + <usize>lastColumn * pixel, 0, <usize>(toWidth - lastColumn) * pixel);
  }
}

/** Whether all windows lie within the image, so that it needs no border. */
// @ts-ignore: decorator
@inline
function isInside(top: i32, left: i32, tall: i32, wide: i32, height: i32, width: i32): bool {
  return top == 0 && left == 0 && tall <= height && wide <= width;
}

/**
 * Whether a convolution is a matrix product whose factors need no gathering: of 1 x 1 filters, with channels and pixels in
 * whole register tiles.
 *
 * @param adjacent - Pixels at equal distances: of a row, or of the image.
 */
// @ts-ignore: decorator
@inline
function isPointwise(filterHeight: i32, filterWidth: i32, depth: i32, columns: i32, adjacent: i32): bool {
  return filterHeight == 1 && filterWidth == 1 && depth <= BLOCK_K && columns % 8 == 0 && adjacent % 4 == 0;
}

/**
 * The pixels of one image times panels of 8 columns, to the pixels of another. Both are read and written where they are.
 *
 * @param lineA - Pixels from a row of the first image to the next; `stepA` from a pixel to the next.
 * @param lineC - The same for the second image.
 * @param adjacent - Pixels of a run: a row, or all `pixels`.
 */
function timesPanels(
  a: usize, lineA: i32, stepA: i32, depth: i32, panels: usize,
  c: usize, lineC: i32, stepC: i32, columns: i32, pixels: i32, adjacent: i32,
): void {
  const pixelA = 4 * <usize>depth, pixelC = 4 * <usize>columns;
  const rowA = <usize>stepA * pixelA, rowC = <usize>stepC * pixelC;
  for (let run = 0; run < pixels; run += adjacent) {
    for (let p = 0; p < adjacent; p += BLOCK_PIXELS) {
      const rows = min(BLOCK_PIXELS, adjacent - p);
      const from = a + <usize>p * rowA, to = c + <usize>p * rowC;
      for (let j = 0; j < columns; j += 8) {
        rowsTimesPanel(rows, depth, from, rowA, panels + 4 * <usize>(j * depth), to + 4 * <usize>j, rowC);
      }
    }
    a += <usize>lineA * pixelA;
    c += <usize>lineC * pixelC;
  }
}

/** Rows of a block of output pixels. */
const BLOCK_PIXELS: i32 = 64;

export function convScratch(
  filterHeight: i32, filterWidth: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
): i32 {
  const k = filterHeight * filterWidth * inChannels;
  const pixels = outHeight * outWidth;
  const image = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight) *
    borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth) * inChannels;
  const columns = roundUp(outChannels, 8);
  return 4 * (image + max(k, min(pixels, BLOCK_K)) * columns + max(min(k, BLOCK_K) * roundUp(min(pixels, BLOCK_PIXELS), 4),
    roundUp(k, 4) * min(pixels, BLOCK_K))) + TILE_BYTES + 256;
}

/** out = x * filter. */
export function conv2d(
  x: usize, filter: usize, out: usize,
  batch: i32, height: i32, width: i32, inChannels: i32,
  filterHeight: i32, filterWidth: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const k = filterHeight * filterWidth * inChannels;
  const pixels = outHeight * outWidth;
  const tallImage = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const bordered = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const inside = isInside(top, left, tallImage, bordered, height, width);
  const wideImage = inside ? width : bordered;
  const columns = roundUp(outChannels, 8);
  const tile = (scratch + 15) & ~15;
  const panelB = tile + TILE_BYTES;
  const panelA = panelB + 4 * <usize>(k * columns);
  const copy = panelA + 4 * <usize>(min(k, BLOCK_K) * roundUp(min(pixels, BLOCK_PIXELS), 4));
  const rowC = 4 * <usize>outChannels;

  const adjacent = strideHeight * wideImage == strideWidth * outWidth ? pixels : outWidth;
  const pointwise = inside && isPointwise(filterHeight, filterWidth, inChannels, outChannels, adjacent);
  for (let k0 = 0; k0 < k; k0 += BLOCK_K) {
    packB(filter + <usize>k0 * rowC, rowC, 4, min(BLOCK_K, k - k0), outChannels, panelB + 4 * <usize>(k0 * columns));
  }
  for (let n = 0; n < batch; n++) {
    const source = x + 4 * <usize>(n * height * width * inChannels);
    const image = inside ? source : copy;
    if (!inside) border(source, height, width, inChannels, top, left, image, tallImage, wideImage);
    const y = out + <usize>(n * pixels) * rowC;
    if (pointwise) {
      timesPanels(image, strideHeight * wideImage, strideWidth, inChannels, panelB, y, outWidth, 1, outChannels,
        pixels, adjacent);
      continue;
    }
    for (let p0 = 0; p0 < pixels; p0 += BLOCK_PIXELS) {
      const rows = min(BLOCK_PIXELS, pixels - p0);
      for (let k0 = 0; k0 < k; k0 += BLOCK_K) {
        const depth = min(BLOCK_K, k - k0);
        for (let p = 0; p < rows; p += 4) {
          gatherRows(image, wideImage, inChannels, filterWidth, dilationHeight, dilationWidth, outWidth,
            strideHeight, strideWidth, p0 + p, min(4, rows - p), k0, depth, panelA + 4 * <usize>(p * depth));
        }
        multiplyPanels(rows, outChannels, depth, panelA, panelB + 4 * <usize>(k0 * columns),
          y + <usize>p0 * rowC, rowC, i32(k0 > 0), tile);
      }
    }
  }
}

/** The inputs of up to four output pixels, taps k0 to k0 + depth, as a panel [depth][4]. */
function gatherRows(
  image: usize, wideImage: i32, inChannels: i32, filterWidth: i32, dilationHeight: i32, dilationWidth: i32,
  outWidth: i32, strideHeight: i32, strideWidth: i32, p: i32, count: i32, k0: i32, depth: i32, to: usize,
): void {
  // Beyond the last pixel the panel repeats it; those rows are never stored. One division for all four: they are slow.
  const line = 4 * <usize>(strideHeight * wideImage * inChannels), step = 4 * <usize>(strideWidth * inChannels);
  let row = p / outWidth;
  let column = p - row * outWidth;
  const p0 = image + <usize>row * line + <usize>column * step;
  if (count > 1 && ++column == outWidth) { column = 0; row++; }
  const p1 = image + <usize>row * line + <usize>column * step;
  if (count > 2 && ++column == outWidth) { column = 0; row++; }
  const p2 = image + <usize>row * line + <usize>column * step;
  if (count > 3 && ++column == outWidth) { column = 0; row++; }
  const p3 = image + <usize>row * line + <usize>column * step;
  const adjacent = inChannels == 1 && p3 - p0 == 12 && p1 - p0 == 4;

  // Without dilation, the taps of a filter row are contiguous, like one tap with many channels.
  const taps = dilationWidth == 1 ? 1 : filterWidth;
  const values = dilationWidth == 1 ? filterWidth * inChannels : inChannels;
  let value = 0, tapRow = 0, tapColumn = 0;
  if (k0 > 0) {
    const tap = k0 / values;
    value = k0 - tap * values;
    tapRow = tap / taps;
    tapColumn = tap - tapRow * taps;
  }
  let left = depth;
  while (left > 0) {
    const offset = 4 * <usize>((tapRow * dilationHeight * wideImage + tapColumn * dilationWidth) * inChannels + value);
    const run = min(left, values - value);
    if (adjacent) {
      const from = p0 + offset;
      for (let i: usize = 0; i < 4 * <usize>run; i += 4) {
        v128.store(to, v128.load(from + i));
        to += 16;
      }
    } else {
      let c = run;
      let q0 = p0 + offset, q1 = p1 + offset, q2 = p2 + offset, q3 = p3 + offset;
      for (; c >= 4; c -= 4) {
        transpose4(v128.load(q0), v128.load(q1), v128.load(q2), v128.load(q3), to, 16);
        q0 += 16; q1 += 16; q2 += 16; q3 += 16;
        to += 64;
      }
      for (; c > 0; c--) {
        store<f32>(to, load<f32>(q0));
        store<f32>(to, load<f32>(q1), 4);
        store<f32>(to, load<f32>(q2), 8);
        store<f32>(to, load<f32>(q3), 12);
        q0 += 4; q1 += 4; q2 += 4; q3 += 4;
        to += 16;
      }
    }
    left -= run;
    value = 0;
    if (++tapColumn == taps) {
      tapColumn = 0;
      tapRow++;
    }
  }
}

/** dFilter = the inputs under each tap, transposed, times dy. */
export function conv2dFilterGradient(
  x: usize, dy: usize, dFilter: usize,
  batch: i32, height: i32, width: i32, inChannels: i32,
  filterHeight: i32, filterWidth: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const k = filterHeight * filterWidth * inChannels;
  const pixels = outHeight * outWidth;
  const tallImage = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const bordered = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const inside = isInside(top, left, tallImage, bordered, height, width);
  const wideImage = inside ? width : bordered;
  const columns = roundUp(outChannels, 8);
  const block = min(pixels, BLOCK_K);
  const tile = (scratch + 15) & ~15;
  const panelB = tile + TILE_BYTES;
  const panelA = panelB + 4 * <usize>(block * columns);
  const copy = panelA + 4 * <usize>(roundUp(k, 4) * block);
  const rowC = 4 * <usize>outChannels;

  if (batch == 0 || pixels == 0) {
    memory.fill(dFilter, 0, <usize>k * rowC);
    return;
  }
  const pointwise = inside && inChannels <= 64 && outChannels <= 64 && inChannels % 4 == 0 &&
    isPointwise(filterHeight, filterWidth, 1, outChannels, 4);
  for (let n = 0; n < batch; n++) {
    const source = x + 4 * <usize>(n * height * width * inChannels);
    const image = inside ? source : copy;
    if (!inside) border(source, height, width, inChannels, top, left, image, tallImage, wideImage);
    for (let p0 = 0; p0 < pixels; p0 += BLOCK_K) {
      const depth = min(BLOCK_K, pixels - p0);
      if (pointwise) {
        const lineIn = 4 * <usize>inChannels;
        let a = image + <usize>p0 * lineIn;
        if (strideHeight != 1 || strideWidth != 1 || outWidth != wideImage) {
          a = panelA;
          copyPixels(image, wideImage, strideHeight, strideWidth, outWidth, p0, depth, lineIn, a);
        }
        columnsTimesColumns(inChannels, outChannels, depth, a, lineIn, dy + <usize>(n * pixels + p0) * rowC, rowC, dFilter,
          i32(n > 0 || p0 > 0));
        continue;
      }
      packB(dy + <usize>(n * pixels + p0) * rowC, rowC, 4, depth, outChannels, panelB);
      gatherTaps(image, wideImage, inChannels, filterWidth, dilationHeight, dilationWidth, outWidth,
        strideHeight, strideWidth, p0, depth, k, panelA);
      multiplyPanels(k, outChannels, depth, panelA, panelB, dFilter, rowC, i32(n > 0 || p0 > 0), tile);
    }
  }
}

/** The pixels at outputs p0 to p0 + count, side by side. */
function copyPixels(
  image: usize, wideImage: i32, strideHeight: i32, strideWidth: i32, outWidth: i32, p0: i32, count: i32, pixel: usize,
  to: usize,
): void {
  let row = p0 / outWidth;
  let column = p0 - row * outWidth;
  const step = <usize>strideWidth * pixel;
  let from = image + <usize>(row * strideHeight * wideImage) * pixel + <usize>column * step;
  for (let i = 0; i < count; i++) {
    for (let at: usize = 0; at < pixel; at += 16) v128.store(to + at, v128.load(from + at));
    to += pixel;
    from += step;
    if (++column == outWidth) {
      column = 0;
      row++;
      from = image + <usize>(row * strideHeight * wideImage) * pixel;
    }
  }
}

/** The inputs under the taps at pixels p0 to p0 + depth, as panels [taps / 4][depth][4]. */
function gatherTaps(
  image: usize, wideImage: i32, inChannels: i32, filterWidth: i32, dilationHeight: i32, dilationWidth: i32,
  outWidth: i32, strideHeight: i32, strideWidth: i32, p0: i32, depth: i32, k: i32, panel: usize,
): void {
  for (let k0 = 0; k0 < k; k0 += 4) {
    let to = panel + 4 * <usize>(k0 * depth);
    const o0 = tapOffset(k0, wideImage, inChannels, filterWidth, dilationHeight, dilationWidth);
    const o1 = tapOffset(min(k0 + 1, k - 1), wideImage, inChannels, filterWidth, dilationHeight, dilationWidth);
    const o2 = tapOffset(min(k0 + 2, k - 1), wideImage, inChannels, filterWidth, dilationHeight, dilationWidth);
    const o3 = tapOffset(min(k0 + 3, k - 1), wideImage, inChannels, filterWidth, dilationHeight, dilationWidth);
    const adjacent = o1 - o0 == 4 && o2 - o0 == 8 && o3 - o0 == 12;
    const pixelStep = 4 * <usize>(strideWidth * inChannels);
    let row = p0 / outWidth;
    let column = p0 - row * outWidth;
    let left = depth;
    while (left > 0) {
      let pixel = image + 4 * <usize>((row * strideHeight * wideImage + column * strideWidth) * inChannels);
      const run = min(left, outWidth - column);
      if (adjacent) {
        pixel += o0;
        for (let i = 0; i < run; i++) {
          v128.store(to, v128.load(pixel));
          pixel += pixelStep;
          to += 16;
        }
      } else if (pixelStep == 4) {
        let i = run;
        for (; i >= 4; i -= 4) {
          transpose4(v128.load(pixel + o0), v128.load(pixel + o1), v128.load(pixel + o2), v128.load(pixel + o3), to, 16);
          pixel += 16;
          to += 64;
        }
        for (; i > 0; i--) {
          store<f32>(to, load<f32>(pixel + o0));
          store<f32>(to, load<f32>(pixel + o1), 4);
          store<f32>(to, load<f32>(pixel + o2), 8);
          store<f32>(to, load<f32>(pixel + o3), 12);
          pixel += 4;
          to += 16;
        }
      } else {
        for (let i = 0; i < run; i++) {
          store<f32>(to, load<f32>(pixel + o0));
          store<f32>(to, load<f32>(pixel + o1), 4);
          store<f32>(to, load<f32>(pixel + o2), 8);
          store<f32>(to, load<f32>(pixel + o3), 12);
          pixel += pixelStep;
          to += 16;
        }
      }
      left -= run;
      column = 0;
      row++;
    }
  }
}

// @ts-ignore: decorator
@inline
function tapOffset(k: i32, wideImage: i32, inChannels: i32, filterWidth: i32, dilationHeight: i32, dilationWidth: i32): usize {
  const tap = k / inChannels;
  const row = tap / filterWidth;
  return 4 * <usize>((row * dilationHeight * wideImage + (tap - row * filterWidth) * dilationWidth) * inChannels +
    k - tap * inChannels);
}

export function inputGradientScratch(
  filterHeight: i32, filterWidth: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32,
): i32 {
  const k = filterHeight * filterWidth * inChannels;
  const pixels = outHeight * outWidth;
  const image = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight) *
    borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth) * inChannels;
  return 4 * (image + max(k * pixels, k * outChannels)) + gemmScratch(pixels, k, outChannels) + 64;
}

/** dx: for each output pixel, dy times the transposed filter is added to its window. */
export function conv2dInputGradient(
  dy: usize, filter: usize, dx: usize,
  batch: i32, height: i32, width: i32, inChannels: i32,
  filterHeight: i32, filterWidth: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  strideHeight: i32, strideWidth: i32, dilationHeight: i32, dilationWidth: i32, top: i32, left: i32,
  scratch: usize,
): void {
  const k = filterHeight * filterWidth * inChannels;
  const pixels = outHeight * outWidth;
  const tallImage = borderedExtent(outHeight, strideHeight, filterHeight, dilationHeight);
  const bordered = borderedExtent(outWidth, strideWidth, filterWidth, dilationWidth);
  const inside = isInside(top, left, tallImage, bordered, height, width);
  const wideImage = inside ? width : bordered;
  const windows = (scratch + 15) & ~15;
  const copy = windows + 4 * <usize>(k * pixels);
  const rest = copy + 4 * <usize>(tallImage * bordered * inChannels);
  const bytes = 4 * <usize>(height * width * inChannels);
  const row = 4 * <usize>outChannels;

  const adjacent = strideHeight * width == strideWidth * outWidth ? pixels : outWidth;
  if (inside && isPointwise(filterHeight, filterWidth, outChannels, inChannels, adjacent)) {
    packB(filter, 4, row, outChannels, inChannels, windows);
    memory.fill(dx, 0, <usize>batch * bytes);
    for (let n = 0; n < batch; n++) {
      timesPanels(dy + <usize>(n * pixels) * row, outWidth, 1, outChannels, windows, dx + <usize>n * bytes,
        strideHeight * width, strideWidth, inChannels, pixels, adjacent);
    }
    return;
  }
  for (let n = 0; n < batch; n++) {
    gemm(pixels, k, outChannels, dy + <usize>(n * pixels) * row, row, 4, filter, 4, row, windows, 4 * <usize>k, 0, rest);
    const image = inside ? dx + <usize>n * bytes : copy;
    memory.fill(image, 0, inside ? bytes : 4 * <usize>(tallImage * bordered * inChannels));
    let from = windows;
    for (let p = 0; p < pixels; p++) {
      const outRow = p / outWidth;
      const to = image + 4 * <usize>((outRow * strideHeight * wideImage + (p - outRow * outWidth) * strideWidth) * inChannels);
      for (let i = 0; i < filterHeight; i++) {
        for (let j = 0; j < filterWidth; j++) {
          addRun(from, to + 4 * <usize>((i * dilationHeight * wideImage + j * dilationWidth) * inChannels), inChannels);
          from += 4 * <usize>inChannels;
        }
      }
    }
    if (!inside) border(image, tallImage, wideImage, inChannels, -top, -left, dx + <usize>n * bytes, height, width);
  }
}

function addRun(from: usize, to: usize, count: i32): void {
  let i = count;
  for (; i >= 4; i -= 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    from += 16; to += 16;
  }
  for (; i > 0; i--) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    from += 4; to += 4;
  }
}

/** The filter rotated by 180 degrees, with in and out channels swapped: [height, width, out, in]. */
export function turnFilter(filter: usize, filterHeight: i32, filterWidth: i32, inChannels: i32, outChannels: i32, to: usize): void {
  const taps = filterHeight * filterWidth;
  for (let tap = 0; tap < taps; tap++) {
    const source = filter + 4 * <usize>((taps - 1 - tap) * inChannels * outChannels);
    for (let o = 0; o < outChannels; o++) {
      for (let i = 0; i < inChannels; i++) {
        store<f32>(to, load<f32>(source + 4 * <usize>(i * outChannels + o)));
        to += 4;
      }
    }
  }
}

/** Rows of `fromLength` floats as rows of `toLength`: cut, or filled up with zeros. */
export function resizeRows(from: usize, rows: i32, fromLength: i32, to: usize, toLength: i32): void {
  const kept = min(fromLength, toLength), rest = 4 * <usize>(fromLength - kept);
  for (let row = rows; row > 0; row--) {
    for (let i = kept; i > 0; i--) {
      store<f32>(to, load<f32>(from));
      from += 4; to += 4;
    }
    from += rest;
    for (let i = toLength - kept; i > 0; i--) {
      store<f32>(to, 0);
      to += 4;
    }
  }
}
