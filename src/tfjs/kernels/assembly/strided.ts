import { columnsTimesColumns, roundUp, rowsTimesPanel } from './gemm';
import { columnOf, imageOf, pixelsOfTile, rowOf, TILE, tilesAlong } from './tiles';

/*
 * 3 x 3 convolutions of stride 2 by minimal filtering. The first and the third tap of a line see the even pixels, the
 * second tap sees the odd ones. Four outputs need the even part F(4, 2) at the points 0, 1, -1, infinity and 2, and the
 * odd part F(4, 1) at the first four of them: 9 products instead of 12, and 81 instead of 144 for a tile of 4 x 4
 * outputs. Products of the same pair of points are added before they are transformed back, so there are 25 matrix
 * products, one for each pair of points.
 *
 * A cell is a pair of transformed lines, 9 x 9 in all: lines 0 to 4 are the even part, 5 to 8 the odd part. Cells of one
 * pair of points lie side by side, as the "depth" of its matrix product: 4, 2 or 1 times the channels of the input.
 *
 * NHWC; tiles are numbered through the batch. Sizes in elements, addresses in bytes.
 */

const POINTS: i32 = 5;
const LINES: i32 = 9;
const CELLS: i32 = 81;

/** Bytes between two planes, so that their distance is not a power of two. */
const APART: usize = 64;

/** Two tables of 81 addresses, and 81 vectors between the two directions of a transform. */
const TABLE_BYTES: usize = 336;
const HEAD_BYTES: usize = 2 * TABLE_BYTES + 81 * 16;

/** Tiles at a time: as many as keep the transformed values in L2. */
// @ts-ignore: decorator
@inline
function tilesAtOnce(inChannels: i32, outChannels: i32): i32 {
  return roundUp(max(8, min(128, 160000 / (81 * inChannels + 25 * outChannels))), 4);
}

/** Bytes of scratch that each of the three directions wants. */
export function stridedScratch(inChannels: i32, outChannels: i32): i32 {
  const tiles = tilesAtOnce(inChannels, outChannels);
  return 4 * (81 * inChannels * outChannels + tiles * (81 * inChannels + 25 * outChannels)) + 75 * i32(APART) +
    4 * max(inChannels, outChannels) + i32(HEAD_BYTES) + 64;
}

/** out = x * filter. Both numbers of channels are multiples of 8. */
export function strided(
  x: usize, filter: usize, out: usize,
  batch: i32, height: i32, width: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  top: i32, left: i32, scratch: usize,
): void {
  const atOnce = tilesAtOnce(inChannels, outChannels);
  const head = (scratch + 15) & ~15;
  const zeros = head + HEAD_BYTES;
  const filters = zeros + 4 * <usize>max(inChannels, outChannels);
  const inputs = filters + planesBytes(inChannels, 4 * <usize>outChannels);
  const outputs = inputs + planesBytes(inChannels, 4 * <usize>atOnce);
  const rowsOfTiles = tilesAlong(outHeight), columnsOfTiles = tilesAlong(outWidth);
  const tiles = batch * rowsOfTiles * columnsOfTiles;
  const lineIn = 4 * <usize>inChannels, lineOut = 4 * <usize>outChannels;

  memory.fill(zeros, 0, lineIn);
  for (let block = 0; block < outChannels >> 3; block++) {
    cells(head, filters, lineOut, inChannels, 32 * <usize>block, 0, 32 * <usize>inChannels);
    transformFilter(filter + 32 * <usize>block, 4 * <isize>(inChannels * outChannels), lineOut, inChannels, head);
  }
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    const rows = roundUp(count, 4);
    const planeOut = <usize>rows * lineOut + APART;
    cells(head + TABLE_BYTES, inputs, 4 * <usize>rows, inChannels, 0, 0, lineIn);
    for (let t = 0; t < count; t++) {
      pixelsOfTile(head, x, height, width, lineIn, rowsOfTiles, columnsOfTiles, first + t, 2 * TILE, top, left, LINES, zeros);
      transformInput(head, inChannels);
      toNextTile(head + TABLE_BYTES, lineIn);
    }
    let a = inputs, b = filters, c = outputs;
    for (let point = 0; point < POINTS * POINTS; point++) {
      const depth = depthAt(point, inChannels);
      for (let o = 0; o < outChannels; o += 8) {
        rowsTimesPanel(rows, depth, a, 4 * <usize>depth, b + 4 * <usize>(o * depth), c + 4 * <usize>o, lineOut);
      }
      a += 4 * <usize>(rows * depth) + APART;
      b += <usize>depth * lineOut + APART;
      c += planeOut;
    }
    for (let t = 0; t < count; t++) {
      transformOutput(outputs + <usize>t * lineOut, planeOut, outChannels, out, outHeight, outWidth,
        rowsOfTiles, columnsOfTiles, first + t, head);
    }
  }
}

/** dFilter. Both numbers of channels are multiples of 8. */
export function stridedFilterGradient(
  x: usize, dy: usize, dFilter: usize,
  batch: i32, height: i32, width: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  top: i32, left: i32, scratch: usize,
): void {
  const atOnce = tilesAtOnce(inChannels, outChannels);
  const head = (scratch + 15) & ~15;
  const zeros = head + HEAD_BYTES;
  const filters = zeros + 4 * <usize>max(inChannels, outChannels);
  const inputs = filters + planesBytes(inChannels, 4 * <usize>outChannels);
  const gradients = inputs + planesBytes(inChannels, 4 * <usize>atOnce);
  const rowsOfTiles = tilesAlong(outHeight), columnsOfTiles = tilesAlong(outWidth);
  const tiles = batch * rowsOfTiles * columnsOfTiles;
  const lineIn = 4 * <usize>inChannels, lineOut = 4 * <usize>outChannels;

  memory.fill(zeros, 0, max(lineIn, lineOut));
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    const planeOut = <usize>count * lineOut + APART;
    cells(head + TABLE_BYTES, inputs, 4 * <usize>count, inChannels, 0, 0, lineIn);
    for (let t = 0; t < count; t++) {
      pixelsOfTile(head, x, height, width, lineIn, rowsOfTiles, columnsOfTiles, first + t, 2 * TILE, top, left, LINES, zeros);
      transformInput(head, inChannels);
      toNextTile(head + TABLE_BYTES, lineIn);
      transformGradient(dy, outHeight, outWidth, outChannels, rowsOfTiles, columnsOfTiles, first + t, zeros,
        gradients + <usize>t * lineOut, planeOut, head);
    }
    let a = inputs, b = gradients, c = filters;
    for (let point = 0; point < POINTS * POINTS; point++) {
      const depth = depthAt(point, inChannels);
      columnsTimesColumns(depth, outChannels, count, a, 4 * <usize>depth, b, lineOut, c, i32(first > 0));
      a += 4 * <usize>(count * depth) + APART;
      b += planeOut;
      c += <usize>depth * lineOut + APART;
    }
  }
  const tap = <usize>inChannels * lineOut;
  cells(head, filters, lineOut, inChannels, 0, 0, tap);
  untransformFilter(head, tap, dFilter);
}

/**
 * dx. Both numbers of channels are multiples of 8.
 *
 * @param turned - The filter as `turnFilter` gives it: [taps, last first][outChannels][inChannels].
 */
export function stridedInputGradient(
  dy: usize, turned: usize, dx: usize,
  batch: i32, height: i32, width: i32, inChannels: i32, outChannels: i32, outHeight: i32, outWidth: i32,
  top: i32, left: i32, scratch: usize,
): void {
  const atOnce = tilesAtOnce(inChannels, outChannels);
  const head = (scratch + 15) & ~15;
  const zeros = head + HEAD_BYTES;
  const filters = zeros + 4 * <usize>max(inChannels, outChannels);
  const outputs = filters + planesBytes(inChannels, 4 * <usize>outChannels);
  const gradients = outputs + planesBytes(inChannels, 4 * <usize>atOnce);
  const rowsOfTiles = tilesAlong(outHeight), columnsOfTiles = tilesAlong(outWidth);
  const tiles = batch * rowsOfTiles * columnsOfTiles;
  const lineIn = 4 * <usize>inChannels, lineOut = 4 * <usize>outChannels;
  const tap = <usize>inChannels * lineOut;

  memory.fill(dx, 0, <usize>(batch * height * width) * lineIn);
  for (let block = 0; block < inChannels >> 3; block++) {
    cells(head, filters, lineOut, inChannels, 0, 8 * <usize>block * lineOut, tap);
    transformFilter(turned + 8 * tap + 32 * <usize>block, -(<isize>tap), lineIn, outChannels, head);
  }
  for (let first = 0; first < tiles; first += atOnce) {
    const count = min(atOnce, tiles - first);
    const rows = roundUp(count, 4);
    const planeOut = <usize>rows * lineOut + APART;
    memory.fill(zeros, 0, lineOut);
    for (let t = 0; t < count; t++) {
      transformGradient(dy, outHeight, outWidth, outChannels, rowsOfTiles, columnsOfTiles, first + t, zeros,
        gradients + <usize>t * lineOut, planeOut, head);
    }
    let a = gradients, b = filters, c = outputs;
    for (let point = 0; point < POINTS * POINTS; point++) {
      const depth = depthAt(point, inChannels);
      for (let i = 0; i < depth; i += 8) {
        rowsTimesPanel(rows, outChannels, a, lineOut, b + <usize>i * lineOut, c + 4 * <usize>i, 4 * <usize>depth);
      }
      a += planeOut;
      b += <usize>depth * lineOut + APART;
      c += 4 * <usize>(rows * depth) + APART;
    }
    cells(head + TABLE_BYTES, outputs, 4 * <usize>rows, inChannels, 0, 0, lineIn);
    for (let t = 0; t < count; t++) {
      // Pixels outside the image are added to the zeros, which are not read any more.
      pixelsOfTile(head, dx, height, width, lineIn, rowsOfTiles, columnsOfTiles, first + t, 2 * TILE, top, left, LINES, zeros);
      addInputGradient(head, inChannels);
      toNextTile(head + TABLE_BYTES, lineIn);
    }
  }
}

/** Number of copies of the channels at a pair of points. */
// @ts-ignore: decorator
@inline
function depthAt(point: i32, channels: i32): i32 {
  const row = point / POINTS;
  return channels << (i32(row < 4) + i32(point - POINTS * row < 4));
}

/** Bytes of 25 planes, `perDepth` bytes for each element of their depth. */
// @ts-ignore: decorator
@inline
function planesBytes(channels: i32, perDepth: usize): usize {
  return <usize>(CELLS * channels) * perDepth + 25 * APART;
}

/**
 * Addresses of the 81 cells, line by line. A cell lies `offset` + depth * `offsetPerDepth` bytes from the start of its
 * plane, and `part` bytes further for every part that comes before it.
 */
function cells(
  table: usize, planes: usize, perDepth: usize, channels: i32, offsetPerDepth: usize, offset: usize, part: usize,
): void {
  for (let p = 0; p < POINTS; p++) {
    for (let q = 0; q < POINTS; q++) {
      const depth = <usize>depthAt(POINTS * p + q, channels);
      let at = planes + depth * offsetPerDepth + offset;
      for (let r = p; r < LINES; r += POINTS) {
        for (let s = q; s < LINES; s += POINTS) {
          store<usize>(table + 4 * <usize>(LINES * r + s), at);
          at += part;
        }
      }
      planes += depth * perDepth + APART;
    }
  }
}

/** Moves the addresses of a tile's cells to those of the next tile: by the depth of each plane. `line`: 4 bytes a channel. */
function toNextTile(table: usize, line: usize): void {
  for (let r = 0; r < LINES; r++) {
    const narrow = r == POINTS - 1 ? line : 2 * line;
    for (let s = 0; s < LINES; s++) {
      store<usize>(table, load<usize>(table) + (s == POINTS - 1 ? narrow : 2 * narrow));
      table += 4;
    }
  }
}

// @ts-ignore: decorator
@inline
function times(factor: f32, value: v128): v128 {
  return f32x4.mul(f32x4.splat(factor), value);
}

// @ts-ignore: decorator
@inline
function put(to: usize, value: v128, accumulate: bool): void {
  v128.store(to, accumulate ? f32x4.add(v128.load(to), value) : value);
}

/** B' d of one line of nine. */
// @ts-ignore: decorator
@inline
function inputLine(
  d0: v128, d1: v128, d2: v128, d3: v128, d4: v128, d5: v128, d6: v128, d7: v128, d8: v128,
  t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize, t6: usize, t7: usize, t8: usize,
): void {
  const slope = f32x4.sub(d6, d2);
  v128.store(t0, f32x4.add(slope, times(2, f32x4.sub(d0, d4))));
  v128.store(t1, f32x4.sub(slope, f32x4.add(d2, d4)));
  v128.store(t2, f32x4.add(slope, times(3, f32x4.sub(d2, d4))));
  v128.store(t3, f32x4.sub(f32x4.sub(d8, d4), times(2, slope)));
  v128.store(t4, slope);
  v128.store(t5, f32x4.sub(d1, d5));
  v128.store(t6, f32x4.add(d3, d5));
  v128.store(t7, f32x4.sub(d5, d3));
  v128.store(t8, f32x4.sub(d7, d3));
}

/** Pixels at the addresses of the first table to cells at those of the second. */
function transformInput(head: usize, channels: i32): void {
  const middle = head + 2 * TABLE_BYTES;
  for (let c: usize = 0; c < 4 * <usize>channels; c += 16) {
    let table = head, line = middle;
    for (let j = 0; j < LINES; j++) {
      inputLine(
        v128.load(load<usize>(table) + c), v128.load(load<usize>(table, 36) + c), v128.load(load<usize>(table, 72) + c),
        v128.load(load<usize>(table, 108) + c), v128.load(load<usize>(table, 144) + c),
        v128.load(load<usize>(table, 180) + c), v128.load(load<usize>(table, 216) + c),
        v128.load(load<usize>(table, 252) + c), v128.load(load<usize>(table, 288) + c),
        line, line + 144, line + 288, line + 432, line + 576, line + 720, line + 864, line + 1008, line + 1152,
      );
      table += 4;
      line += 16;
    }
    table = head + TABLE_BYTES;
    line = middle;
    for (let i = 0; i < LINES; i++) {
      inputLine(
        v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), v128.load(line, 64),
        v128.load(line, 80), v128.load(line, 96), v128.load(line, 112), v128.load(line, 128),
        load<usize>(table) + c, load<usize>(table, 4) + c, load<usize>(table, 8) + c, load<usize>(table, 12) + c,
        load<usize>(table, 16) + c, load<usize>(table, 20) + c, load<usize>(table, 24) + c,
        load<usize>(table, 28) + c, load<usize>(table, 32) + c,
      );
      table += 36;
      line += 144;
    }
  }
}

/** B m of one line of nine. */
// @ts-ignore: decorator
@inline
function inputGradientLine(
  m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, m5: v128, m6: v128, m7: v128, m8: v128,
  t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize, t6: usize, t7: usize, t8: usize,
  accumulate: bool,
): void {
  const two0 = times(2, m0), two3 = times(2, m3);
  const slope = f32x4.sub(f32x4.add(m0, m4), two3);
  put(t0, two0, accumulate);
  put(t2, f32x4.sub(times(2, f32x4.sub(m2, m1)), slope), accumulate);
  put(t4, f32x4.neg(f32x4.add(f32x4.add(two0, m1), f32x4.add(times(3, m2), m3))), accumulate);
  put(t6, f32x4.add(slope, f32x4.add(m1, m2)), accumulate);
  put(t8, m3, accumulate);
  put(t1, m5, accumulate);
  put(t3, f32x4.sub(f32x4.sub(m6, m7), m8), accumulate);
  put(t5, f32x4.sub(f32x4.add(m6, m7), m5), accumulate);
  put(t7, m8, accumulate);
}

/** Cells at the addresses of the second table, transformed back and added to the pixels at those of the first. */
function addInputGradient(head: usize, channels: i32): void {
  const middle = head + 2 * TABLE_BYTES;
  for (let c: usize = 0; c < 4 * <usize>channels; c += 16) {
    let table = head + TABLE_BYTES, line = middle;
    for (let j = 0; j < LINES; j++) {
      inputGradientLine(
        v128.load(load<usize>(table) + c), v128.load(load<usize>(table, 36) + c), v128.load(load<usize>(table, 72) + c),
        v128.load(load<usize>(table, 108) + c), v128.load(load<usize>(table, 144) + c),
        v128.load(load<usize>(table, 180) + c), v128.load(load<usize>(table, 216) + c),
        v128.load(load<usize>(table, 252) + c), v128.load(load<usize>(table, 288) + c),
        line, line + 144, line + 288, line + 432, line + 576, line + 720, line + 864, line + 1008, line + 1152, false,
      );
      table += 4;
      line += 16;
    }
    table = head;
    line = middle;
    for (let i = 0; i < LINES; i++) {
      inputGradientLine(
        v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), v128.load(line, 64),
        v128.load(line, 80), v128.load(line, 96), v128.load(line, 112), v128.load(line, 128),
        load<usize>(table) + c, load<usize>(table, 4) + c, load<usize>(table, 8) + c, load<usize>(table, 12) + c,
        load<usize>(table, 16) + c, load<usize>(table, 20) + c, load<usize>(table, 24) + c,
        load<usize>(table, 28) + c, load<usize>(table, 32) + c, true,
      );
      table += 36;
      line += 144;
    }
  }
}

/** G g of one line of three. */
// @ts-ignore: decorator
@inline
function filterLine(
  g0: v128, g1: v128, g2: v128,
  t0: usize, t1: usize, t2: usize, t3: usize, t4: usize, t5: usize, t6: usize, t7: usize, t8: usize,
): void {
  const half1 = times(0.5, g1);
  v128.store(t0, times(0.5, g0));
  v128.store(t1, times(-0.5, f32x4.add(g0, g2)));
  v128.store(t2, times(1.0 / 6.0, f32x4.sub(g2, g0)));
  v128.store(t3, g2);
  v128.store(t4, times(1.0 / 6.0, f32x4.add(g0, times(2, g2))));
  v128.store(t5, g1);
  v128.store(t6, half1);
  v128.store(t7, half1);
  v128.store(t8, g1);
}

/** Eight columns of a filter's rows; the table has the cells of the first row. */
function transformFilter(filter: usize, tap: isize, row: usize, rows: i32, table: usize): void {
  const middle = table + 2 * TABLE_BYTES;
  for (let i = 0; i < rows; i++) {
    for (let half: usize = 0; half < 32; half += 16) {
      const offset = 32 * <usize>i + half;
      let g = filter + <usize>i * row + half, line = middle;
      for (let j = 0; j < 3; j++) {
        filterLine(
          v128.load(g), v128.load(g + 3 * tap), v128.load(g + 6 * tap),
          line, line + 48, line + 96, line + 144, line + 192, line + 240, line + 288, line + 336, line + 384,
        );
        g += tap;
        line += 16;
      }
      line = middle;
      let to = table;
      for (let k = 0; k < LINES; k++) {
        filterLine(
          v128.load(line), v128.load(line, 16), v128.load(line, 32),
          load<usize>(to) + offset, load<usize>(to, 4) + offset, load<usize>(to, 8) + offset,
          load<usize>(to, 12) + offset, load<usize>(to, 16) + offset, load<usize>(to, 20) + offset,
          load<usize>(to, 24) + offset, load<usize>(to, 28) + offset, load<usize>(to, 32) + offset,
        );
        to += 36;
        line += 48;
      }
    }
  }
}

/** G' p of one line of nine. */
// @ts-ignore: decorator
@inline
function filterGradientLine(
  p0: v128, p1: v128, p2: v128, p3: v128, p4: v128, p5: v128, p6: v128, p7: v128, p8: v128, to: usize, step: usize,
): void {
  const half1 = times(0.5, p1);
  v128.store(to, f32x4.add(f32x4.sub(times(0.5, p0), half1), times(1.0 / 6.0, f32x4.sub(p4, p2))));
  v128.store(to + step, f32x4.add(f32x4.add(p5, p8), times(0.5, f32x4.add(p6, p7))));
  v128.store(to + 2 * step,
    f32x4.add(f32x4.sub(p3, half1), f32x4.add(times(1.0 / 6.0, p2), times(1.0 / 3.0, p4))));
}

function untransformFilter(head: usize, tap: usize, dFilter: usize): void {
  const middle = head + 2 * TABLE_BYTES;
  for (let at: usize = 0; at < tap; at += 16) {
    let table = head, line = middle;
    for (let j = 0; j < LINES; j++) {
      filterGradientLine(
        v128.load(load<usize>(table) + at), v128.load(load<usize>(table, 36) + at),
        v128.load(load<usize>(table, 72) + at), v128.load(load<usize>(table, 108) + at),
        v128.load(load<usize>(table, 144) + at), v128.load(load<usize>(table, 180) + at),
        v128.load(load<usize>(table, 216) + at), v128.load(load<usize>(table, 252) + at),
        v128.load(load<usize>(table, 288) + at), line, 144,
      );
      table += 4;
      line += 16;
    }
    line = middle;
    let to = dFilter + at;
    for (let i = 0; i < 3; i++) {
      filterGradientLine(
        v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), v128.load(line, 64),
        v128.load(line, 80), v128.load(line, 96), v128.load(line, 112), v128.load(line, 128), to, tap,
      );
      line += 144;
      to += 3 * tap;
    }
  }
}

/** A' m of one line of five. */
// @ts-ignore: decorator
@inline
function outputLine(m0: v128, m1: v128, m2: v128, m3: v128, m4: v128, to: usize, step: usize, count: i32): void {
  const sum = f32x4.add(m1, m2), difference = f32x4.sub(m1, m2);
  v128.store(to, f32x4.add(f32x4.add(m0, sum), m4));
  if (count > 1) v128.store(to + step, f32x4.add(difference, times(2, m4)));
  if (count > 2) v128.store(to + 2 * step, f32x4.add(sum, times(4, m4)));
  if (count > 3) v128.store(to + 3 * step, f32x4.add(f32x4.add(difference, times(8, m4)), m3));
}

function transformOutput(
  from: usize, plane: usize, channels: i32, out: usize, outHeight: i32, outWidth: i32,
  rowsOfTiles: i32, columnsOfTiles: i32, tile: i32, head: usize,
): void {
  const middle = head + 2 * TABLE_BYTES;
  const n = imageOf(tile, rowsOfTiles, columnsOfTiles);
  const row = TILE * rowOf(tile, rowsOfTiles, columnsOfTiles), column = TILE * columnOf(tile, columnsOfTiles);
  const rows = min(TILE, outHeight - row), columns = min(TILE, outWidth - column);
  const pixel: usize = 4 * <usize>channels;
  const corner = out + <usize>((n * outHeight + row) * outWidth + column) * pixel;
  for (let c: usize = 0; c < pixel; c += 16) {
    let m = from + c, line = middle;
    for (let j = 0; j < POINTS; j++) {
      outputLine(
        v128.load(m), v128.load(m + 5 * plane), v128.load(m + 10 * plane), v128.load(m + 15 * plane),
        v128.load(m + 20 * plane), line, 80, 4,
      );
      m += plane;
      line += 16;
    }
    line = middle;
    let to = corner + c;
    for (let i = 0; i < rows; i++) {
      outputLine(
        v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), v128.load(line, 64),
        to, pixel, columns,
      );
      line += 80;
      to += <usize>outWidth * pixel;
    }
  }
}

/** A y of one line of four. */
// @ts-ignore: decorator
@inline
function gradientLine(y0: v128, y1: v128, y2: v128, y3: v128, to: usize, step: usize): void {
  const even = f32x4.add(y0, y2), odd = f32x4.add(y1, y3);
  v128.store(to, y0);
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  v128.store(to + 3 * step, y3);
  v128.store(to + 4 * step, f32x4.add(f32x4.add(y0, times(4, y2)), f32x4.add(times(2, y1), times(8, y3))));
}

function transformGradient(
  dy: usize, outHeight: i32, outWidth: i32, channels: i32, rowsOfTiles: i32, columnsOfTiles: i32, tile: i32,
  zeros: usize, to: usize, plane: usize, head: usize,
): void {
  const middle = head + 2 * TABLE_BYTES;
  const pixel: usize = 4 * <usize>channels;
  pixelsOfTile(head, dy, outHeight, outWidth, pixel, rowsOfTiles, columnsOfTiles, tile, TILE, 0, 0, TILE, zeros);
  for (let c: usize = 0; c < pixel; c += 16) {
    let line = middle, table = head;
    for (let j = 0; j < 4; j++) {
      gradientLine(
        v128.load(load<usize>(table) + c), v128.load(load<usize>(table, 16) + c), v128.load(load<usize>(table, 32) + c),
        v128.load(load<usize>(table, 48) + c), line, 64,
      );
      table += 4;
      line += 16;
    }
    line = middle;
    let out = to + c;
    for (let i = 0; i < POINTS; i++) {
      gradientLine(v128.load(line), v128.load(line, 16), v128.load(line, 32), v128.load(line, 48), out, plane);
      line += 64;
      out += 5 * plane;
    }
  }
}
