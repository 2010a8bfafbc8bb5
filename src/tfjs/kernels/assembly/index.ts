export { gemm, gemmScratch } from './gemm';
export { conv2d, conv2dFilterGradient, conv2dInputGradient, convScratch, inputGradientScratch, resizeRows, turnFilter } from './conv';
export { averagePool, averagePoolGradient, maxPool, maxPoolGradient } from './pool';
export { swish, swishGradient } from './swish';
export { adam, adamOfMany } from './adam';
export { descend, descendWithMomentum, rmsProp } from './descent';
export { addBias, dropout, reluGradient, sumRows } from './elementwise';
export { winograd, winogradFilterGradient, winogradScratch } from './winograd';
export { depthwise, depthwiseFilterGradient, depthwiseInputGradient, depthwiseScratch, turnTaps } from './depthwise';
export {
  addNormalized, batchNormGradient, clip, clipGradient, factors, moveAverage, normalize, scaleRows, statistics, sumsOfGradient,
} from './normalize';
export { strided, stridedFilterGradient, stridedInputGradient, stridedScratch } from './strided';
