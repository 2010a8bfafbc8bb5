import { madd } from './madd';

/*
 * Matrix products. All sizes are in elements, all strides and addresses in bytes.
 *
 * Blocking follows Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): panels of
 * B stay in L1 while blocks of A stream through. The register tile is 4 x 8: eight accumulators, two vectors of B and a
 * splat of A fit the sixteen registers that WebAssembly engines have for 128-bit vectors.
 */

/** Depth of a block: 256 x 8 floats of B are 8 KiB. */
export const BLOCK_K: i32 = 256;
/** Columns of a block of B: 256 x 512 floats are 512 KiB, for L2. */
const BLOCK_N: i32 = 512;
/** Rows of a block of A: 64 x 256 floats are 64 KiB. */
const BLOCK_M: i32 = 64;

/** Bytes of scratch memory that `gemm` needs. */
export function gemmScratch(m: i32, n: i32, k: i32): i32 {
  const depth = min(k, BLOCK_K);
  return 4 * depth * (roundUp(min(n, BLOCK_N), 8) + roundUp(min(m, BLOCK_M), 4)) + TILE_BYTES + 64;
}

/** Bytes of the edge tile: 4 x 8 floats. */
export const TILE_BYTES: i32 = 128;

// @ts-ignore: decorator
@inline
export function roundUp(value: i32, multiple: i32): i32 {
  return ((value + multiple - 1) / multiple) * multiple;
}

/**
 * C = A B, or C += A B where `accumulate` is 1.
 *
 * @param rowA - Bytes from a row of A to the next; `stepA` from a column to the next: 4 for A, and the two
 *   swapped for A transposed. The same for B. The columns of C are contiguous.
 */
export function gemm(
  m: i32, n: i32, k: i32,
  a: usize, rowA: usize, stepA: usize,
  b: usize, rowB: usize, stepB: usize,
  c: usize, rowC: usize, accumulate: i32,
  scratch: usize,
): void {
  const tile = (scratch + 15) & ~15;
  const panelB = tile + TILE_BYTES;
  const panelA = panelB + 4 * min(k, BLOCK_K) * roundUp(min(n, BLOCK_N), 8);
  for (let j0 = 0; j0 < n; j0 += BLOCK_N) {
    const columns = min(BLOCK_N, n - j0);
    for (let k0 = 0; k0 < k; k0 += BLOCK_K) {
      const depth = min(BLOCK_K, k - k0);
      packB(b + <usize>k0 * rowB + <usize>j0 * stepB, rowB, stepB, depth, columns, panelB);
      const add = accumulate | i32(k0 > 0);
      for (let i0 = 0; i0 < m; i0 += BLOCK_M) {
        const rows = min(BLOCK_M, m - i0);
        packA(a + <usize>i0 * rowA + <usize>k0 * stepA, rowA, stepA, rows, depth, panelA);
        multiplyPanels(rows, columns, depth, panelA, panelB, c + <usize>i0 * rowC + 4 * <usize>j0, rowC, add, tile);
      }
    }
  }
}

/** Panels of A (4 rows, depth first) times panels of B (8 columns, depth first). */
export function multiplyPanels(
  rows: i32, columns: i32, depth: i32, panelA: usize, panelB: usize, c: usize, rowC: usize, accumulate: i32, tile: usize,
): void {
  for (let j = 0; j < columns; j += 8) {
    const b = panelB + 4 * <usize>(j * depth);
    for (let i = 0; i < rows; i += 4) {
      const a = panelA + 4 * <usize>(i * depth);
      const out = c + <usize>i * rowC + 4 * <usize>j;
      if (rows - i >= 4 && columns - j >= 8) {
        tileOfColumns(depth, a, 16, b, 32, out, rowC, accumulate);
      } else {
        tileOfColumns(depth, a, 16, b, 32, tile, 32, 0);
        storeEdge(tile, out, rowC, min(4, rows - i), min(8, columns - j), accumulate);
      }
    }
  }
}

function storeEdge(tile: usize, c: usize, rowC: usize, rows: i32, columns: i32, accumulate: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const from = tile + 32 * i + 4 * j;
      const to = c + <usize>i * rowC + 4 * j;
      store<f32>(to, accumulate ? load<f32>(to) + load<f32>(from) : load<f32>(from));
    }
  }
}

/**
 * C[4, 8] (+)= sum over k of A's column k times B's row k. A's four values are contiguous, and so are B's eight. The loop
 * is not unrolled: longer loops measured slower.
 *
 * @param stepA - Bytes from one k to the next in A; `stepB` in B.
 */
export function tileOfColumns(
  depth: i32, a: usize, stepA: usize, b: usize, stepB: usize, c: usize, rowC: usize, accumulate: i32,
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (let k = depth; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00); c01 = madd(s, b1, c01);
    s = v128.load32_splat(a, 4);
    c10 = madd(s, b0, c10); c11 = madd(s, b1, c11);
    s = v128.load32_splat(a, 8);
    c20 = madd(s, b0, c20); c21 = madd(s, b1, c21);
    s = v128.load32_splat(a, 12);
    c30 = madd(s, b0, c30); c31 = madd(s, b1, c31);
    a += stepA; b += stepB;
  }
  putRow(c, c00, c01, accumulate);
  putRow(c + rowC, c10, c11, accumulate);
  putRow(c + 2 * rowC, c20, c21, accumulate);
  putRow(c + 3 * rowC, c30, c31, accumulate);
}

/** The same for six values of A. */
function tileOfSixColumns(
  depth: i32, a: usize, stepA: usize, b: usize, stepB: usize, c: usize, rowC: usize, accumulate: i32,
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  let c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  for (let k = depth; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00); c01 = madd(s, b1, c01);
    s = v128.load32_splat(a, 4);
    c10 = madd(s, b0, c10); c11 = madd(s, b1, c11);
    s = v128.load32_splat(a, 8);
    c20 = madd(s, b0, c20); c21 = madd(s, b1, c21);
    s = v128.load32_splat(a, 12);
    c30 = madd(s, b0, c30); c31 = madd(s, b1, c31);
    s = v128.load32_splat(a, 16);
    c40 = madd(s, b0, c40); c41 = madd(s, b1, c41);
    s = v128.load32_splat(a, 20);
    c50 = madd(s, b0, c50); c51 = madd(s, b1, c51);
    a += stepA; b += stepB;
  }
  putRow(c, c00, c01, accumulate);
  putRow(c + rowC, c10, c11, accumulate);
  putRow(c + 2 * rowC, c20, c21, accumulate);
  putRow(c + 3 * rowC, c30, c31, accumulate);
  putRow(c + 4 * rowC, c40, c41, accumulate);
  putRow(c + 5 * rowC, c50, c51, accumulate);
}

/**
 * C[rows, columns] (+)= A transposed times B, both unpacked, of `depth` lines; rows are a multiple of 4, columns of 8.
 *
 * @param lineA - Bytes from a line of A to the next; `lineB` in B and in C.
 */
export function columnsTimesColumns(
  rows: i32, columns: i32, depth: i32, a: usize, lineA: usize, b: usize, lineB: usize, c: usize, accumulate: i32,
): void {
  for (let j: usize = 0; j < 4 * <usize>columns; j += 32) {
    let from = a, to = c + j, left = rows;
    while (left > 0) {
      if (isSix(left)) {
        tileOfSixColumns(depth, from, lineA, b + j, lineB, to, lineB, accumulate);
        from += 24; to += 6 * lineB; left -= 6;
      } else {
        tileOfColumns(depth, from, lineA, b + j, lineB, to, lineB, accumulate);
        from += 16; to += 4 * lineB; left -= 4;
      }
    }
  }
}

/**
 * Whether the next tile has six rows instead of four, of an even number of rows that is left. With fused multiply-add
 * six are faster: twelve sums hide its latency. Without, the products need registers of their own.
 */
// @ts-ignore: decorator
@inline
function isSix(left: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && left >= 6 && left != 8;
}

/**
 * C[rows, 8] = A[rows, depth] B[depth, 8], A's rows unpacked; rows are a multiple of 4.
 *
 * @param rowA - Bytes from a row of A to the next; B's rows are contiguous.
 */
export function rowsTimesPanel(rows: i32, depth: i32, a: usize, rowA: usize, panel: usize, c: usize, rowC: usize): void {
  let left = rows;
  while (left > 0) {
    if (depth >= 16 && isSix(left)) {
      sixRowsTimesPanel(depth, a, rowA, panel, c, rowC);
      a += 6 * rowA; c += 6 * rowC; left -= 6;
      continue;
    }
    let a0 = a, a1 = a + rowA, a2 = a1 + rowA, a3 = a2 + rowA, b = panel;
    let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
    for (let k = depth; k > 0; k--) {
      const b0 = v128.load(b), b1 = v128.load(b, 16);
      let s = v128.load32_splat(a0);
      c00 = madd(s, b0, c00); c01 = madd(s, b1, c01);
      s = v128.load32_splat(a1);
      c10 = madd(s, b0, c10); c11 = madd(s, b1, c11);
      s = v128.load32_splat(a2);
      c20 = madd(s, b0, c20); c21 = madd(s, b1, c21);
      s = v128.load32_splat(a3);
      c30 = madd(s, b0, c30); c31 = madd(s, b1, c31);
      b += 32;
      a0 += 4; a1 += 4; a2 += 4; a3 += 4;
    }
    putRow(c, c00, c01, 0);
    putRow(c + rowC, c10, c11, 0);
    putRow(c + 2 * rowC, c20, c21, 0);
    putRow(c + 3 * rowC, c30, c31, 0);
    a += 4 * rowA; c += 4 * rowC; left -= 4;
  }
}

// @ts-ignore: decorator
@inline
function sixRowsTimesPanel(depth: i32, a0: usize, rowA: usize, b: usize, c: usize, rowC: usize): void {
  let a1 = a0 + rowA, a2 = a1 + rowA, a3 = a2 + rowA, a4 = a3 + rowA, a5 = a4 + rowA;
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  let c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  for (let k = depth; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a0);
    c00 = madd(s, b0, c00); c01 = madd(s, b1, c01);
    s = v128.load32_splat(a1);
    c10 = madd(s, b0, c10); c11 = madd(s, b1, c11);
    s = v128.load32_splat(a2);
    c20 = madd(s, b0, c20); c21 = madd(s, b1, c21);
    s = v128.load32_splat(a3);
    c30 = madd(s, b0, c30); c31 = madd(s, b1, c31);
    s = v128.load32_splat(a4);
    c40 = madd(s, b0, c40); c41 = madd(s, b1, c41);
    s = v128.load32_splat(a5);
    c50 = madd(s, b0, c50); c51 = madd(s, b1, c51);
    b += 32;
    a0 += 4; a1 += 4; a2 += 4; a3 += 4; a4 += 4; a5 += 4;
  }
  putRow(c, c00, c01, 0);
  putRow(c + rowC, c10, c11, 0);
  putRow(c + 2 * rowC, c20, c21, 0);
  putRow(c + 3 * rowC, c30, c31, 0);
  putRow(c + 4 * rowC, c40, c41, 0);
  putRow(c + 5 * rowC, c50, c51, 0);
}

// @ts-ignore: decorator
@inline
function putRow(c: usize, left: v128, right: v128, accumulate: i32): void {
  if (accumulate) {
    v128.store(c, f32x4.add(v128.load(c), left));
    v128.store(c, f32x4.add(v128.load(c, 16), right), 16);
  } else {
    v128.store(c, left);
    v128.store(c, right, 16);
  }
}

/** B's block as panels of 8 columns, depth first; columns beyond the last are zero. */
export function packB(b: usize, rowB: usize, stepB: usize, depth: i32, columns: i32, panel: usize): void {
  const whole = columns & ~7;
  const panelBytes = 32 * <usize>depth;
  if (stepB == 4) {
    for (let k = 0; k < depth; k++) {
      const row = b + <usize>k * rowB;
      let to = panel + 32 * <usize>k;
      let j = 0;
      for (; j < whole; j += 8) {
        const from = row + 4 * <usize>j;
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        to += panelBytes;
      }
      if (j < columns) packRest(row + 4 * <usize>j, 4, columns - j, 8, to);
    }
  } else {
    for (let j = 0; j < columns; j += 8) {
      const to = panel + 4 * <usize>(j * depth);
      const column = b + <usize>j * stepB;
      if (rowB == 4 && j < whole) {
        interleave(column, stepB, depth, to, 32);
        interleave(column + 4 * stepB, stepB, depth, to + 16, 32);
      } else {
        for (let k = 0; k < depth; k++) {
          packRest(column + <usize>k * rowB, stepB, min(8, columns - j), 8, to + 32 * <usize>k);
        }
      }
    }
  }
}

/** A's block as panels of 4 rows, depth first; rows beyond the last are zero. */
export function packA(a: usize, rowA: usize, stepA: usize, rows: i32, depth: i32, panel: usize): void {
  const whole = rows & ~3;
  if (rowA == 4) {
    const panelBytes = 16 * <usize>depth;
    for (let k = 0; k < depth; k++) {
      const column = a + <usize>k * stepA;
      let to = panel + 16 * <usize>k;
      let i = 0;
      for (; i < whole; i += 4) {
        v128.store(to, v128.load(column + 4 * <usize>i));
        to += panelBytes;
      }
      if (i < rows) packRest(column + 4 * <usize>i, 4, rows - i, 4, to);
    }
  } else {
    for (let i = 0; i < rows; i += 4) {
      const to = panel + 4 * <usize>(i * depth);
      const row = a + <usize>i * rowA;
      if (stepA == 4 && i < whole) {
        interleave(row, rowA, depth, to, 16);
      } else {
        for (let k = 0; k < depth; k++) packRest(row + <usize>k * stepA, rowA, min(4, rows - i), 4, to + 16 * <usize>k);
      }
    }
  }
}

function packRest(from: usize, step: usize, count: i32, width: i32, to: usize): void {
  for (let i = 0; i < width; i++) {
    store<f32>(to + 4 * <usize>i, i < count ? load<f32>(from + <usize>i * step) : <f32>0);
  }
}

/** Four rows of floats, `row` bytes apart, as `depth` groups of four, `step` bytes apart. */
export function interleave(from: usize, row: usize, depth: i32, to: usize, step: usize): void {
  let p0 = from, p1 = p0 + row, p2 = p1 + row, p3 = p2 + row;
  let k = depth;
  for (; k >= 4; k -= 4) {
    transpose4(v128.load(p0), v128.load(p1), v128.load(p2), v128.load(p3), to, step);
    p0 += 16; p1 += 16; p2 += 16; p3 += 16;
    to += 4 * step;
  }
  for (; k > 0; k--) {
    store<f32>(to, load<f32>(p0));
    store<f32>(to, load<f32>(p1), 4);
    store<f32>(to, load<f32>(p2), 8);
    store<f32>(to, load<f32>(p3), 12);
    p0 += 4; p1 += 4; p2 += 4; p3 += 4;
    to += step;
  }
}

// @ts-ignore: decorator
@inline
export function transpose4(r0: v128, r1: v128, r2: v128, r3: v128, to: usize, step: usize): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
