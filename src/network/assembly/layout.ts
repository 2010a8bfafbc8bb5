/*
 * The layout of the module's memory, in bytes. The sizes are fixed by the network; page 0 belongs to the compiler's
 * data.
 */

/** Faces at a time: they share each block of the first dense layer's weights. */
export const FACES: i32 = 16;

/** Floats of the staging area, through which weights come in. */
export const STAGE_FLOATS: i32 = 32768;

/** Bytes of one of the 36 planes [16 tiles][32 channels]; the extra 64 keep the planes out of each other's cache sets. */
export const PLANE: usize = 16 * 32 * 4 + 64;

export const CONV1: usize = 65536; // [3,3,32]
export const CONV1_BIAS: usize = CONV1 + 9 * 32 * 4;
export const CONV2: usize = CONV1_BIAS + 32 * 4; // transformed: [36][32 / 2V][32][2V]
export const CONV2_BIAS: usize = CONV2 + 36 * 32 * 32 * 4;
export const DENSE1: usize = CONV2_BIAS + 32 * 4; // [256 / 8V][2048][8V]
export const DENSE1_CODES: usize = DENSE1 + 2048 * 256 * 4; // the same, of 8 bits
export const DENSE1_BIAS: usize = DENSE1_CODES + 2048 * 256;
export const DENSE2: usize = DENSE1_BIAS + 256 * 4; // [256][8], three columns of zeros
export const DENSE2_BIAS: usize = DENSE2 + 256 * 8 * 4;

export const INPUTS: usize = DENSE2_BIAS + 8 * 4; // [FACES,32,32]
export const OUTPUTS: usize = INPUTS + FACES * 1024 * 4; // [FACES,8]
export const IMAGE: usize = OUTPUTS + FACES * 8 * 4; // [34,34], one face with zero padding
export const MAP: usize = IMAGE + 34 * 34 * 4 + 48; // [18,18,32], as above
export const TILE: usize = MAP + 18 * 18 * 32 * 4; // [36][V]
export const TILES_IN: usize = TILE + 36 * 16; // [36][PLANE]
export const TILES_OUT: usize = TILES_IN + 36 * PLANE; // [36][PLANE]
export const FEATURES: usize = TILES_OUT + 36 * PLANE; // [8,8,32]
export const COUNTS: usize = FEATURES + 2048 * 4; // [FACES]
export const LISTS: usize = COUNTS + FACES * 4; // [FACES][2048], of two 32-bit numbers
export const HIDDEN: usize = LISTS + FACES * 2048 * 8; // [FACES][256]
export const STAGE: usize = HIDDEN + FACES * 256 * 4;
export const END: usize = STAGE + STAGE_FLOATS * 4;
