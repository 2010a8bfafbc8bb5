/*
 * Tiles of 4 x 4 outputs of a 3 x 3 convolution, of stride 1 or 2. They are numbered through the batch, row by row; those
 * at the end of a row or column may reach beyond the image.
 */

/** Outputs of a tile in each direction. */
export const TILE: i32 = 4;

// @ts-ignore: decorator
@inline
export function tilesAlong(extent: i32): i32 {
  return (extent + TILE - 1) / TILE;
}

/** The image of the batch that a tile belongs to. */
// @ts-ignore: decorator
@inline
export function imageOf(tile: i32, rowsOfTiles: i32, columnsOfTiles: i32): i32 {
  return tile / (rowsOfTiles * columnsOfTiles);
}

/** The row of tiles of its image in which a tile lies. */
// @ts-ignore: decorator
@inline
export function rowOf(tile: i32, rowsOfTiles: i32, columnsOfTiles: i32): i32 {
  return tile / columnsOfTiles % rowsOfTiles;
}

// @ts-ignore: decorator
@inline
export function columnOf(tile: i32, columnsOfTiles: i32): i32 {
  return tile % columnsOfTiles;
}

/**
 * Addresses of the `size` x `size` pixels that a tile sees, row by row; those outside the image are `outside`.
 *
 * @param pixel - Bytes of a pixel of the image.
 * @param step - Pixels from a tile to the next; `top` and `left` are those of the padding.
 */
export function pixelsOfTile(
  table: usize, x: usize, height: i32, width: i32, pixel: usize, rowsOfTiles: i32, columnsOfTiles: i32, tile: i32,
  step: i32, top: i32, left: i32, size: i32, outside: usize,
): void {
  const n = imageOf(tile, rowsOfTiles, columnsOfTiles);
  const row = step * rowOf(tile, rowsOfTiles, columnsOfTiles) - top, column = step * columnOf(tile, columnsOfTiles) - left;
  let line = x + <usize>((n * height + row) * width + column) * pixel;
  const whole = column >= 0 && column + size <= width;
  for (let i = 0; i < size; i++) {
    let at = line;
    const inside = <u32>(row + i) < <u32>height;
    for (let j = 0; j < size; j++) {
      store<usize>(table, inside && (whole || <u32>(column + j) < <u32>width) ? at : outside);
      table += 4;
      at += pixel;
    }
    line += <usize>width * pixel;
  }
}
