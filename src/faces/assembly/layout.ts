/*
 * The layout of the module's memory, in bytes. Page 0 belongs to the compiler's data. Up to FREE, the sizes are fixed by the
 * network; after it, `arrange` of layers.ts places everything that depends on the picture's size.
 */

/** Blocks of a depthwise and a pointwise convolution, the last of which feeds only the coarse grid. */
export const BLOCKS: i32 = 32;

/** Whether filters with many inputs are 16-bit integers: see integers.ts. */
export const INTEGERS: bool = ASC_FEATURE_SIMD && !ASC_FEATURE_RELAXED_SIMD;

/** Channels of both grids of anchors. */
export const FEATURES: usize = 96;

/** Numbers of a box: centre, size, six points. */
export const PLACE: usize = 16;

export const LAYERS: usize = 65536; // one Layer each: the first convolution, the blocks, the output of the last block
export const ROWS: usize = LAYERS + 4096; // addresses of the input rows of a row, up to 5
export const TILE: usize = ROWS + 64; // [24][96], or [16][96] with integers: output of depthwise and input of pointwise
export const POOLED: usize = TILE + 24 * 96 * 4; // [4][96], or [16][96] with integers: residual connection of strided blocks

export const PAIRS: usize = POOLED + 16 * 96 * 4; // [16][96] of 16 bits, input of pointwise in integers
export const SCALES: usize = PAIRS + 16 * 96 * 2; // [16], from TILE to PAIRS, and [16] back

export const FIRST: usize = SCALES + 128; // [24 / 2V][75][2V]
export const FIRST_FACTORS: usize = FIRST + 80 * 24 * 2; // [24] with integers; FIRST is then [24 / 8][40][8][2] of 16 bits
export const FIRST_BIAS: usize = FIRST + 75 * 24 * 4;
export const BLOCK_WEIGHTS: usize = FIRST_BIAS + 24 * 4; // of each block: [9][from], [to / 2V][from][2V], [to], and with integers [to] factors
export const BLOCK_WEIGHTS_BYTES: usize =
  4 * (15 * (9 * 24 + 24 * 24 + 24) + (9 * 24 + 24 * 48 + 48) + 7 * (9 * 48 + 48 * 48 + 48) +
    (9 * 48 + 48 * 96 + 96) + 8 * (9 * 96 + 96 * 96 + 96)) + 4 * (15 * 24 + 8 * 48 + 9 * 96);
export const LOGITS: usize = BLOCK_WEIGHTS + BLOCK_WEIGHTS_BYTES; // [2][96], then of the coarse grid [6][96]
export const LOGITS_BIAS: usize = LOGITS + 8 * 96 * 4; // [2], [6]
export const PLACES: usize = LOGITS_BIAS + 8 * 4; // [96][2 * PLACE]
export const COARSE_PLACES: usize = PLACES + 96 * 32 * 4; // [96][6 * PLACE]
export const PLACES_BIAS: usize = COARSE_PLACES + 96 * 96 * 4; // [32], [96]
export const FREE: usize = PLACES_BIAS + 128 * 4;
