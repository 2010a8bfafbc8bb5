/*
 * Trains, measures, saves and uses your own network with this package:
 *
 *   npm install && npm start [folder of faces] [epochs]
 *
 * The folder has faces/angry/*.jpg, faces/happy/*.jpg, …; the default is "faces".
 */
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { cosineSchedule, createClassifier, EMOTIONS, evaluate, summary, train, useBackend } from 'fer-dcnn';
import { loadModel, saveModel, splitFolder } from 'fer-dcnn/node';

const [folder = 'faces', epochs = '20'] = process.argv.slice(2);

await useBackend('wasm');

// Larger input than the built-in network, strides instead of pooling, no large dense layer: about 24,000 parameters.
const model = sequential({
  layers: [
    layers.conv2d({
      inputShape: [48, 48, 1],
      filters: 16,
      kernelSize: 5,
      strides: 2,
      padding: 'same',
      activation: 'relu',
    }),
    layers.conv2d({ filters: 32, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    layers.conv2d({ filters: 64, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: EMOTIONS.length, activation: 'softmax' }),
  ],
});
console.log(summary(model));

const { train: faces, validation } = await splitFolder(folder, { ratio: [0.8, 0.2], seed: 1 });
await train(model, faces, {
  epochs: Number(epochs),
  learningRate: 3e-3,
  schedule: cosineSchedule({ warmup: 0.05 }),
  normalization: 'localContrast',
  augment: { flip: true, rotation: 10, shift: 0.08 },
  sampling: 'balanced',
  validationData: validation,
  callbacks: {
    onEpochEnd: (epoch, { loss, valLoss }) =>
      console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, ${valLoss.toFixed(3)}`),
  },
});

const { accuracy, macroRecall } = await evaluate(model, validation);
console.log(`accuracy ${accuracy.toFixed(3)}, macro recall ${macroRecall.toFixed(3)}`);

// The normalization is saved with the model, so loading needs no settings.
await saveModel(model, 'trained', { quantize: 'uint8' });
const classifier = createClassifier({ model: loadModel('trained') });
console.log(await classifier.classify(validation.files[0].path, { topk: 1 }));
classifier.dispose();
