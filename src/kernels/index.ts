export {
  type KernelPath,
  registerTrainingKernels,
  type TrainingKernels,
  type TrainingKernelsOptions,
} from './register.js';
