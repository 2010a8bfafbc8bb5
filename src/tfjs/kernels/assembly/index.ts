export { gemm, gemmScratch } from './gemm';
export { conv2d, conv2dFilterGradient, conv2dInputGradient, convScratch, inputGradientScratch, turnFilter } from './conv';
export { maxPool, maxPoolGradient } from './pool';
export { adam, adamOfMany } from './adam';
export { descend, descendWithMomentum, rmsProp } from './descent';
export { addBias, dropout, reluGradient, sumRows } from './elementwise';
export { winograd, winogradFilterGradient, winogradScratch } from './winograd';
export { depthwise, depthwiseFilterGradient, depthwiseInputGradient, depthwiseScratch, turnTaps } from './depthwise';
export { batchNormGradient, clip, clipGradient, moveAverage, normalize, scaleRows, statistics, sumsOfGradient } from './normalize';
