import { columnsTimesColumns, roundUp, rowsTimesPanel } from './gemm';
import { madd } from './madd';
import { columnOf, imageOf, rowOf, TILE, tilesAlong } from './tiles';

/*
 * 3 x 3 convolutions of stride 1 by Winograd's minimal filtering, F(4 x 4, 3 x 3), as in Lavin and Gray, "Fast Algorithms
 * for Convolutional Neural Networks" (2016): a tile of 4 x 4 outputs costs 36 products per channel pair instead of 144.
 *
 *     Y = A' [(G g G') * (B' d B)] A         and, because it is trilinear in (y, g, d), its transpose for the filter:
 *     dg = G' [(A dy A') * (B' d B)] G
 *
 * NHWC; tiles are numbered through the batch. Sizes in elements, addresses in bytes.
 */

/** Tiles at a time: the transformed values fit into the L2 cache. */
// @ts-ignore: decorator
@inline
function tilesAtOnce(inChannels: i32, outChannels: i32): i32 {
  return roundUp(max(8, min(128, 4096 / (inChannels + outChannels))), 4);
}

/** Bytes of scratch memory that `winograd` and `winogradFilterGradient` need. */
export function winogradScratch(inChannels: i32, outChannels: i32): i32 {
  const tiles = tilesAtOnce(inChannels, outChannels);
  return 4 * 36 * (inChannels * outChannels + tiles * (inChannels + outChannels)) + MIDDLE_BYTES +
    108 * i32(APART) + 7 * i32(stripLine(max(inChannels, outChannels))) + 64;
}

/**
 * Bytes between the planes of transformed values. Without them, planes would often be a power of two apart, and would evict
 * each other from the cache.
 */
const APART: usize = 64;

/** A tile of 36 vectors. */
const MIDDLE_BYTES: i32 = 576;

/**
 * Tiles of one row that are transformed together: tiles that are neighbours share two of their six columns. A strip of
 * them, transformed in one direction, fits into the L1 cache.
 */
// @ts-ignore: decorator
@inline
function tilesOfStrip(channels: i32): i32 {
  return max(1, min(8, 320 / channels));
}

/** Bytes from a line of a strip to the next. */
// @ts-ignore: decorator
@inline
function stripLine(channels: i32): usize {
  return 4 * <usize>((TILE * tilesOfStrip(channels) + 2) * channels) + APART;
}

/*
 * The scratch memory of the convolution that runs. A thread has an instance of the module of its own, and runs one convolution at a
 * time.
 */
let atOnce: i32 = 0, ofStrip: i32 = 0;
let middle: usize = 0, zeros: usize = 0, strip: usize = 0, lineOfStrip: usize = 0;
let filters: usize = 0, planeFilter: usize = 0, inputs: usize = 0, outputs: usize = 0;

function layOut(scratch: usize, inChannels: i32, outChannels: i32): void {
  const most = max(inChannels, outChannels);
  atOnce = tilesAtOnce(inChannels, outChannels);
  ofStrip = tilesOfStrip(most);
  lineOfStrip = stripLine(most);
  planeFilter = 4 * <usize>(inChannels * outChannels) + APART;
  middle = (scratch + 15) & ~15;
  zeros = middle + MIDDLE_BYTES;
  strip = zeros + lineOfStrip;
  filters = strip + 6 * lineOfStrip;
  inputs = filters + 36 * planeFilter;
  outputs = inputs + 36 * (4 * <usize>(atOnce * inChannels) + APART);
}

/** out = x * filter. `inChannels` is a multiple of 4, `outChannels` of 8. */
export function winograd(
  x: usize, filter: usize, out: usize,
  batch: i32, height: i32, width: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  top: i32, left: i32, scratch: usize,
): void {
  layOut(scratch, inChannels, outChannels);
  const rowsOfTiles = tilesAlong(outHeight), columnsOfTiles = tilesAlong(outWidth);
  const tiles = batch * rowsOfTiles * columnsOfTiles;
  const lineIn = 4 * <usize>inChannels, lineOut = 4 * <usize>outChannels;

  memory.fill(zeros, 0, lineOfStrip);
  transformFilter(filter, inChannels, outChannels, filters, planeFilter, middle);
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    const rows = roundUp(count, 4);
    const planeIn = <usize>rows * lineIn + APART, planeOut = <usize>rows * lineOut + APART;
    transformInputs(x, height, width, inChannels, rowsOfTiles, columnsOfTiles, first, count, top, left, zeros, strip,
      lineOfStrip, ofStrip, inputs, planeIn);
    for (let position = 0; position < 36; position++) {
      const a = inputs + <usize>position * planeIn;
      const c = outputs + <usize>position * planeOut;
      for (let o = 0; o < outChannels; o += 8) {
        const b = filters + <usize>position * planeFilter + 4 * <usize>(o * inChannels);
        rowsTimesPanel(rows, inChannels, a, lineIn, b, c + 4 * <usize>o, lineOut);
      }
    }
    transformOutputs(outputs, planeOut, outChannels, out, outHeight, outWidth, rowsOfTiles, columnsOfTiles, first, count,
      middle);
  }
}

/** dFilter. `inChannels` is a multiple of 4, `outChannels` of 8. */
export function winogradFilterGradient(
  x: usize, dy: usize, dFilter: usize,
  batch: i32, height: i32, width: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  top: i32, left: i32, scratch: usize,
): void {
  layOut(scratch, inChannels, outChannels);
  const rowsOfTiles = tilesAlong(outHeight), columnsOfTiles = tilesAlong(outWidth);
  const tiles = batch * rowsOfTiles * columnsOfTiles;
  const lineIn = 4 * <usize>inChannels, lineOut = 4 * <usize>outChannels;

  memory.fill(zeros, 0, lineOfStrip);
  if (tiles == 0) memory.fill(filters, 0, 36 * planeFilter);
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    const planeIn = <usize>count * lineIn + APART, planeOut = <usize>count * lineOut + APART;
    transformInputs(x, height, width, inChannels, rowsOfTiles, columnsOfTiles, first, count, top, left, zeros, strip,
      lineOfStrip, ofStrip, inputs, planeIn);
    transformGradients(dy, outHeight, outWidth, outChannels, rowsOfTiles, columnsOfTiles, first, count, zeros, strip,
      lineOfStrip, ofStrip, outputs, planeOut);
    for (let position = 0; position < 36; position++) {
      const a = inputs + <usize>position * planeIn;
      const b = outputs + <usize>position * planeOut;
      const c = filters + <usize>position * planeFilter;
      columnsTimesColumns(inChannels, outChannels, count, a, lineIn, b, lineOut, c, i32(first > 0));
    }
  }
  untransformFilter(filters, planeFilter, inChannels, outChannels, dFilter, middle);
}

/** B' d of one line of six. */
// @ts-ignore: decorator
@inline
function inputLine(d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, to: usize, step: usize): void {
  const two = f32x4.splat(2), four = f32x4.splat(4), five = f32x4.splat(5);
  const even = f32x4.sub(d4, f32x4.mul(four, d2)), odd = f32x4.sub(d3, f32x4.mul(four, d1));
  const even2 = f32x4.sub(d4, d2), odd2 = f32x4.mul(two, f32x4.sub(d3, d1));
  v128.store(to, f32x4.add(f32x4.sub(f32x4.mul(four, d0), f32x4.mul(five, d2)), d4));
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  v128.store(to + 3 * step, f32x4.add(even2, odd2));
  v128.store(to + 4 * step, f32x4.sub(even2, odd2));
  v128.store(to + 5 * step, f32x4.add(f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3)), d5));
}

/** Transforms the pixels that tiles `first` to `first + count` see. */
function transformInputs(
  x: usize, height: i32, width: i32, channels: i32, rowsOfTiles: i32, columnsOfTiles: i32, first: i32, count: i32,
  top: i32, left: i32, zeros: usize, strip: usize, line: usize, ofStrip: i32, to: usize, plane: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  for (let t = 0; t < count; ) {
    const tile = first + t;
    const firstColumn = columnOf(tile, columnsOfTiles);
    const run = min(min(ofStrip, count - t), columnsOfTiles - firstColumn);
    const row = TILE * rowOf(tile, rowsOfTiles, columnsOfTiles) - top, column = TILE * firstColumn - left;
    const columns = TILE * run + 2;
    // Columns of the strip that lie in the image; those before and after are zero.
    const from = min(columns, max(0, -column)), end = max(from, min(columns, width - column));
    const start = x + <usize>((imageOf(tile, rowsOfTiles, columnsOfTiles) * height + row) * width + column + from) * pixel;
    const image = <usize>width * pixel;
    const before = <usize>from * pixel, within = <usize>(end - from) * pixel, after = <usize>(columns - end) * pixel;
    if (before > 0) inputStrip(zeros, zeros, zeros, zeros, zeros, zeros, before, strip, line);
    if (after > 0) inputStrip(zeros, zeros, zeros, zeros, zeros, zeros, after, strip + before + within, line);
    inputStrip(
      inside(row, height) ? start : zeros, inside(row + 1, height) ? start + image : zeros,
      inside(row + 2, height) ? start + 2 * image : zeros, inside(row + 3, height) ? start + 3 * image : zeros,
      inside(row + 4, height) ? start + 4 * image : zeros, inside(row + 5, height) ? start + 5 * image : zeros,
      within, strip + before, line,
    );
    for (let u: usize = 0; u < <usize>run; u++) {
      const tileOfStrip = strip + TILE * u * pixel, out = to + (<usize>t + u) * pixel;
      for (let c: usize = 0; c < pixel; c += 16) inputTile(tileOfStrip + c, pixel, line, out + c, plane);
    }
    t += run;
  }
}

// @ts-ignore: decorator
@inline
function inside(row: i32, height: i32): bool {
  return <u32>row < <u32>height;
}

/** B' d of all columns of a strip: `bytes` of each of its six rows of pixels. */
function inputStrip(
  r0: usize, r1: usize, r2: usize, r3: usize, r4: usize, r5: usize, bytes: usize, to: usize, line: usize,
): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    inputLine(
      v128.load(r0 + at), v128.load(r1 + at), v128.load(r2 + at), v128.load(r3 + at), v128.load(r4 + at),
      v128.load(r5 + at), to + at, line,
    );
  }
}

/** (B' d) B of one tile of a strip. */
// @ts-ignore: decorator
@inline
function inputTile(from: usize, pixel: usize, line: usize, to: usize, plane: usize): void {
  for (let i = 0; i < 6; i++) {
    inputLine(
      v128.load(from), v128.load(from + pixel), v128.load(from + 2 * pixel), v128.load(from + 3 * pixel),
      v128.load(from + 4 * pixel), v128.load(from + 5 * pixel), to, plane,
    );
    from += line;
    to += 6 * plane;
  }
}

/** A y of one line of four. */
// @ts-ignore: decorator
@inline
function gradientLine(y0: v128, y1: v128, y2: v128, y3: v128, to: usize, step: usize): void {
  const two = f32x4.splat(2), four = f32x4.splat(4);
  const even = f32x4.add(y0, y2), odd = f32x4.add(y1, y3);
  const even2 = madd(four, y2, y0), odd2 = f32x4.mul(two, madd(four, y3, y1));
  v128.store(to, y0);
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  v128.store(to + 3 * step, f32x4.add(even2, odd2));
  v128.store(to + 4 * step, f32x4.sub(even2, odd2));
  v128.store(to + 5 * step, y3);
}

/** Transforms the gradients of tiles `first` to `first + count`. */
function transformGradients(
  dy: usize, height: i32, width: i32, channels: i32, rowsOfTiles: i32, columnsOfTiles: i32, first: i32, count: i32,
  zeros: usize, strip: usize, line: usize, ofStrip: i32, to: usize, plane: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  for (let t = 0; t < count; ) {
    const tile = first + t;
    const firstColumn = columnOf(tile, columnsOfTiles);
    const run = min(min(ofStrip, count - t), columnsOfTiles - firstColumn);
    const row = TILE * rowOf(tile, rowsOfTiles, columnsOfTiles), column = TILE * firstColumn;
    const columns = TILE * run, end = min(columns, width - column);
    const within = <usize>end * pixel, after = <usize>(columns - end) * pixel;
    const start = dy + <usize>((imageOf(tile, rowsOfTiles, columnsOfTiles) * height + row) * width + column) * pixel;
    const image = <usize>width * pixel;
    if (after > 0) gradientStrip(zeros, zeros, zeros, zeros, after, strip + within, line);
    gradientStrip(
      start, inside(row + 1, height) ? start + image : zeros, inside(row + 2, height) ? start + 2 * image : zeros,
      inside(row + 3, height) ? start + 3 * image : zeros, within, strip, line,
    );
    for (let u: usize = 0; u < <usize>run; u++) {
      const tileOfStrip = strip + TILE * u * pixel, out = to + (<usize>t + u) * pixel;
      for (let c: usize = 0; c < pixel; c += 16) gradientTile(tileOfStrip + c, pixel, line, out + c, plane);
    }
    t += run;
  }
}

/** A y of all columns of a strip: `bytes` of each of its four rows of pixels. */
function gradientStrip(r0: usize, r1: usize, r2: usize, r3: usize, bytes: usize, to: usize, line: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    gradientLine(v128.load(r0 + at), v128.load(r1 + at), v128.load(r2 + at), v128.load(r3 + at), to + at, line);
  }
}

/** (A y) A' of one tile of a strip. */
// @ts-ignore: decorator
@inline
function gradientTile(from: usize, pixel: usize, line: usize, to: usize, plane: usize): void {
  for (let i = 0; i < 6; i++) {
    gradientLine(
      v128.load(from), v128.load(from + pixel), v128.load(from + 2 * pixel), v128.load(from + 3 * pixel), to, plane,
    );
    from += line;
    to += 6 * plane;
  }
}

/** A' m of one line of six. */
// @ts-ignore: decorator
@inline
function outputLine(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, to: usize, step: usize, count: i32): void {
  const two = f32x4.splat(2), four = f32x4.splat(4), eight = f32x4.splat(8);
  const sum = f32x4.add(m1, m2), difference = f32x4.sub(m1, m2);
  const sum2 = f32x4.add(m3, m4), difference2 = f32x4.sub(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(m0, sum), sum2));
  if (count > 1) v128.store(to + step, madd(two, difference2, difference));
  if (count > 2) v128.store(to + 2 * step, madd(four, sum2, sum));
  if (count > 3) v128.store(to + 3 * step, f32x4.add(madd(eight, difference2, difference), m5));
}

/** The outputs of tiles `first` to `first + count`. */
function transformOutputs(
  from: usize, plane: usize, channels: i32, out: usize, outHeight: i32, outWidth: i32,
  rowsOfTiles: i32, columnsOfTiles: i32, first: i32, count: i32, middle: usize,
): void {
  const pixel: usize = 4 * <usize>channels;
  const lineOut = <usize>outWidth * pixel;
  // Rows of all images, one below the other. Counted, because engines move divisions into the loops.
  let image = imageOf(first, rowsOfTiles, columnsOfTiles) * outHeight;
  let row = TILE * rowOf(first, rowsOfTiles, columnsOfTiles), column = TILE * columnOf(first, columnsOfTiles);
  for (let t = count; t > 0; t--) {
    const rows = min(TILE, outHeight - row), columns = min(TILE, outWidth - column);
    let to = out + <usize>((image + row) * outWidth + column) * pixel;
    for (let c = pixel; c > 0; c -= 16) {
      let m = from, line = middle;
      for (let j = 0; j < 6; j++) {
        outputLine(
          v128.load(m), v128.load(m + 6 * plane), v128.load(m + 12 * plane), v128.load(m + 18 * plane),
          v128.load(m + 24 * plane), v128.load(m + 30 * plane), line, 16, TILE,
        );
        m += plane;
        line += 64;
      }
      line = middle;
      let lineTo = to;
      for (let i = rows; i > 0; i--) {
        outputLine(
          v128.load(line), v128.load(line, 64), v128.load(line, 128), v128.load(line, 192), v128.load(line, 256),
          v128.load(line, 320), lineTo, pixel, columns,
        );
        line += 16;
        lineTo += lineOut;
      }
      from += 16;
      to += 16;
    }
    column += TILE;
    if (column >= outWidth) {
      column = 0;
      row += TILE;
      if (row >= outHeight) {
        row = 0;
        image += outHeight;
      }
    }
  }
}

/** G g of one line of three. */
// @ts-ignore: decorator
@inline
function filterLine(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  const sixth = f32x4.splat(1.0 / 6.0);
  const ends = f32x4.mul(sixth, f32x4.add(g0, g2)), centre = f32x4.mul(sixth, g1);
  const ends2 = f32x4.add(f32x4.mul(f32x4.splat(1.0 / 24.0), g0), f32x4.mul(sixth, g2));
  const centre2 = f32x4.mul(f32x4.splat(1.0 / 12.0), g1);
  v128.store(to, f32x4.mul(f32x4.splat(0.25), g0));
  v128.store(to + step, f32x4.neg(f32x4.add(ends, centre)));
  v128.store(to + 2 * step, f32x4.sub(centre, ends));
  v128.store(to + 3 * step, f32x4.add(ends2, centre2));
  v128.store(to + 4 * step, f32x4.sub(ends2, centre2));
  v128.store(to + 5 * step, g2);
}

/** Filters as [36][outChannels / 8][inChannels][8]. */
function transformFilter(
  filter: usize, inChannels: i32, outChannels: i32, to: usize, plane: usize, middle: usize,
): void {
  const tap = 4 * <usize>(inChannels * outChannels);
  for (let i = 0; i < inChannels; i++) {
    for (let o = 0; o < outChannels; o += 4) {
      let g = filter + 4 * <usize>(i * outChannels + o), line = middle;
      for (let j = 0; j < 3; j++) {
        filterLine(v128.load(g), v128.load(g + 3 * tap), v128.load(g + 6 * tap), line, 16);
        g += tap;
        line += 96;
      }
      line = middle;
      let out = to + 4 * <usize>(((o >> 3) * inChannels + i) * 8 + (o & 7));
      for (let k = 0; k < 6; k++) {
        filterLine(v128.load(line), v128.load(line, 96), v128.load(line, 192), out, plane);
        line += 16;
        out += 6 * plane;
      }
    }
  }
}

/** G' p of one line of six. */
// @ts-ignore: decorator
@inline
function filterGradientLine(p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, to: usize, step: usize): void {
  const sixth = f32x4.splat(1.0 / 6.0);
  const sum = f32x4.mul(sixth, f32x4.add(p1, p2)), difference = f32x4.mul(sixth, f32x4.sub(p2, p1));
  const sum2 = f32x4.add(p3, p4), difference2 = f32x4.sub(p3, p4);
  v128.store(to, f32x4.add(f32x4.sub(f32x4.mul(f32x4.splat(0.25), p0), sum), f32x4.mul(f32x4.splat(1.0 / 24.0), sum2)));
  v128.store(to + step, f32x4.add(difference, f32x4.mul(f32x4.splat(1.0 / 12.0), difference2)));
  v128.store(to + 2 * step, f32x4.add(f32x4.sub(f32x4.mul(sixth, sum2), sum), p5));
}

function untransformFilter(
  from: usize, plane: usize, inChannels: i32, outChannels: i32, dFilter: usize, middle: usize,
): void {
  const tap: usize = 4 * <usize>(inChannels * outChannels);
  for (let at: usize = 0; at < tap; at += 16) {
    let p = from + at, line = middle;
    for (let j = 0; j < 6; j++) {
      filterGradientLine(
        v128.load(p), v128.load(p + 6 * plane), v128.load(p + 12 * plane), v128.load(p + 18 * plane),
        v128.load(p + 24 * plane), v128.load(p + 30 * plane), line, 16,
      );
      p += plane;
      line += 48;
    }
    line = middle;
    let to = dFilter + at;
    for (let i = 0; i < 3; i++) {
      filterGradientLine(
        v128.load(line), v128.load(line, 48), v128.load(line, 96), v128.load(line, 144), v128.load(line, 192),
        v128.load(line, 240), to, tap,
      );
      line += 16;
      to += 3 * tap;
    }
  }
}
