export {
  type KernelPath,
  registerTrainingKernels,
  type TrainingKernels,
  type TrainingKernelsOptions,
} from './tfjs/kernels/register.js';
