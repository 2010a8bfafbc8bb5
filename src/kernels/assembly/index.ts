export { gemm, gemmScratch } from './gemm';
export { conv2d, conv2dFilterGradient, conv2dInputGradient, convScratch, inputGradientScratch, turnFilter } from './conv';
export { maxPool, maxPoolGradient } from './pool';
export { adam, addBias, dropout, reluGradient, sumRows } from './elementwise';
export { winograd, winogradFilterGradient, winogradScratch } from './winograd';
