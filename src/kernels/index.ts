export { registerTrainingKernels, type TrainingKernels } from './register.js';
