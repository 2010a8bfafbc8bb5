import { border, conv1 } from './conv1';
import { conv2, transformFilters } from './conv2';
import { dense1, dense1Coded, dense2, hasCodes, listFeatures, packCodes, packDense1, packDense2, widenCodes } from './dense';
import { CONV1, CONV1_BIAS, CONV2_BIAS, DENSE1_BIAS, DENSE2_BIAS, END, INPUTS, STAGE } from './layout';

/*
 * The network of `buildModel()`, forward: `place` its eight weights, then write faces to `inputs`, `run`, and read
 * `outputs`. Built three times: see build.mjs.
 */

export { setGrid } from './dense';
export { FACES as faces, HIDDEN as hidden, INPUTS as inputs, OUTPUTS as outputs, STAGE as stage, STAGE_FLOATS as stageFloats } from './layout';

// The size of the memory is an option of the build.
if (<usize>memory.size() << 16 < END) unreachable();

/**
 * Copies `count` staged floats to the elements from `first` of one of the network's weights, numbered as in the Layers
 * model: kernel and bias of conv1, conv2, dense1, dense2; 8 is dense1's kernel as codes of 8 bits. Only dense1's kernel comes in parts,
 * of whole rows.
 */
export function place(weight: i32, first: usize, count: usize): void {
  if (weight == 0) memory.copy(CONV1, STAGE, count << 2);
  else if (weight == 1) memory.copy(CONV1_BIAS, STAGE, count << 2);
  else if (weight == 2) {
    if (ASC_FEATURE_SIMD) transformFilters<v128>();
    else transformFilters<f32>();
  } else if (weight == 3) memory.copy(CONV2_BIAS, STAGE, count << 2);
  else if (weight == 4) {
    if (ASC_FEATURE_SIMD) packDense1<v128>(first >> 8, count >> 8);
    else packDense1<f32>(first >> 8, count >> 8);
  } else if (weight == 5) memory.copy(DENSE1_BIAS, STAGE, count << 2);
  else if (weight == 6) packDense2();
  else if (weight == 7) memory.copy(DENSE2_BIAS, STAGE, count << 2);
  else if (weight == 8) {
    if (ASC_FEATURE_SIMD) packCodes<v128>(first >> 8, count >> 8);
    else packCodes<f32>(first >> 8, count >> 8);
  }
}

/** `inputs`, [n,32,32], to `outputs`, [n,8] of which the first 5 of each row are probabilities; n <= `faces`. */
export function run(n: usize): void {
  for (let face: usize = 0; face < n; face++) {
    border(INPUTS + (face << 12));
    layer1();
    layer2();
    if (ASC_FEATURE_SIMD) listFeatures<v128>(face);
    else listFeatures<f32>(face);
  }
  layer3(n);
  for (let face: usize = 0; face < n; face++) {
    if (ASC_FEATURE_SIMD) dense2<v128>(face);
    else dense2<f32>(face);
  }
}

/** The separate layers, for benchmarks. */
export function layer1(): void {
  if (ASC_FEATURE_SIMD) conv1<v128>();
  else conv1<f32>();
}

export function layer2(): void {
  if (ASC_FEATURE_SIMD) conv2<v128>();
  else conv2<f32>();
}

export function layer3(n: usize): void {
  if (ASC_FEATURE_SIMD) {
    // In a batch, all faces but the first read a block of floats from the cache, so codes are slower.
    if (n == 1 && hasCodes()) dense1Coded();
    else {
      widenCodes();
      dense1<v128>(n);
    }
  } else {
    widenCodes();
    dense1<f32>(n);
  }
}
