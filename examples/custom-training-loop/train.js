/*
 * Your own training loop on TF.js, with this package's kernels:
 *
 *   npm install && npm start [folder of faces] [epochs]
 *
 * The folder has faces/angry/*.jpg, faces/happy/*.jpg, …; the default is "faces".
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { buildModel, EMOTIONS, preprocess } from 'fer-dcnn';
import { registerTrainingKernels } from 'fer-dcnn/kernels';
import { saveModel, splitFolder } from 'fer-dcnn/node';

const [folder = 'faces', epochs = '10'] = process.argv.slice(2);
const BATCH = 32;

await tf.setBackend('wasm');
const { path } = await registerTrainingKernels();
console.log(`kernels: ${path}`);

const { train, validation } = await splitFolder(folder, { ratio: [0.8, 0.2], seed: 1 });
const faces = await read(train);
const held = await read(validation);

const model = buildModel({ seed: 1 });
const optimizer = tf.train.adam(1e-3);
const variables = model.trainableWeights.map((weight) => weight.read());

for (let epoch = 1; epoch <= Number(epochs); epoch++) {
  const order = tf.util.createShuffledIndices(faces.count);
  let sum = 0;
  for (let start = 0; start < faces.count; start += BATCH) {
    const rows = tf.tensor1d(Int32Array.from(order.slice(start, start + BATCH)), 'int32');
    const xs = tf.gather(faces.xs, rows);
    const ys = tf.gather(faces.ys, rows);
    const loss = optimizer.minimize(() => crossEntropy(ys, model.apply(xs, { training: true })), true, variables);
    sum += (await loss.data())[0] * rows.size;
    tf.dispose([rows, xs, ys, loss]);
  }
  console.log(`epoch ${epoch}: loss ${(sum / faces.count).toFixed(3)}, accuracy ${(await accuracy()).toFixed(3)}`);
}

await saveModel(model, 'trained');
console.log('saved to trained/model.json');

/** A folder as tensors: xs [n,32,32,1], ys one-hot [n,5]. */
async function read(data) {
  const samples = [];
  for await (const sample of data) samples.push(sample);
  const xs = await preprocess(
    samples.map(({ image }) => image),
    { normalization: 'unit' },
  );
  const labels = tf.tensor1d(
    samples.map(({ label }) => label),
    'int32',
  );
  const ys = tf.oneHot(labels, EMOTIONS.length);
  labels.dispose();
  return { xs, ys, count: samples.length };
}

/** Mean over the batch; adding the smallest float keeps the logarithm finite. */
function crossEntropy(ys, probabilities) {
  return tf.neg(tf.mean(tf.sum(tf.mul(ys, tf.log(tf.add(probabilities, 1e-7))), 1)));
}

async function accuracy() {
  const right = tf.tidy(() =>
    tf.mean(tf.cast(tf.equal(tf.argMax(model.predict(held.xs), 1), tf.argMax(held.ys, 1)), 'float32')),
  );
  const [share] = await right.data();
  right.dispose();
  return share;
}
