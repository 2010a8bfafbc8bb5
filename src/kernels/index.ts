export async function registerTrainingKernels(): Promise<void> {}
