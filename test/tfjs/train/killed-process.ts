import { saveModel } from '../../../src/folders/save-model.js';
import { buildModel, train, useBackend } from '../../../src/index.js';
import { checkpointFolder } from '../../../src/platform/node/checkpoint-folder.js';
import { smallFaces } from './small-faces.js';

/*
 * A training in a process of its own, for tests that kill it: killed-process <folder> <epochs> [milliseconds per step]. It
 * resumes from the checkpoint in the folder, saves the model there, and prints a line per step.
 */
const [folder, epochs, pause = '0'] = process.argv.slice(2);
await useBackend('wasm');
const model = buildModel({ seed: 3 });
try {
  await train(model, smallFaces(), {
    epochs: Number(epochs),
    batchSize: 8,
    seed: 5,
    ema: 0.9,
    checkpoint: checkpointFolder(folder),
    resume: true,
    callbacks: {
      onBatchEnd: () => {
        console.log('step');
        return new Promise((resolve) => setTimeout(resolve, Number(pause)));
      },
    },
  });
  await saveModel(model, folder);
  console.log('done');
} catch (error) {
  console.log((error as { code?: string }).code, (error as Error).message);
  process.exitCode = 1;
}
