import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { buildModel, createClassifier, EMOTIONS, type Sample, type TrainOptions, train } from '../src/index.js';
import { metadataOf, setMetadata } from '../src/tfjs/model/metadata.js';
import { bestOffsets, foldOffsets, meanMacroRecall, type Said } from './offsets.js';
import { readStart } from './start.js';
import { meanOverViews } from './teacher.js';
import { bestTemperature, foldTemperature } from './temperature.js';
import type { Faces } from './training-faces.js';

export interface TrainWeightsOptions {
  faces: Faces;
  /** The teacher's answers: [faces.train][views][classes]. */
  views: readonly Float32Array[][];
  /** The long part of the training. */
  viewed: TrainOptions;
  /** The last part of the training. */
  polished: TrainOptions;
  /** File with the result of the long part; null to train the long part. */
  start: string | null;
  /** Folder for checkpoints: a stopped run continues from there. */
  checkpoints: string;
  /** Called after each epoch. */
  onEpoch?: NonNullable<Exclude<TrainOptions['callbacks'], readonly unknown[] | undefined>['onEpochEnd']>;
}

/**
 * Trains the weights of this package: a long part on the teacher's views, then a last part on new views. Takes the mean of
 * both results, and folds class offsets and a temperature into the last layer. Never looks at validation faces.
 *
 * The same options, data, backend and CPU give the same weights, bit for bit.
 */
export async function trainWeights(options: TrainWeightsOptions) {
  const { faces, views, viewed, polished, start, checkpoints } = options;
  // Without dropout: it lowers the accuracy of a network this small (see the model card). Dropout has no weights, so the
  // shipped network is still the exact one.
  const trained = buildModel({ seed: viewed.seed, dropout: 0 });
  if (start !== null) {
    await readStart(start, trained, viewed.normalization!);
    console.log(`${start} replaces the long part`);
  } else {
    const samples = faces.train.map(({ image, label, file }, i) => ({ image, label, file, viewLabels: views[i] }));
    await trainPart(trained, samples, viewed, `${checkpoints}/viewed`, options);
  }
  const before = trained.getWeights().map((weight) => tf.clone(weight));
  const samples = faces.train.map(({ image, file }, i) => ({ image, file, label: meanOverViews(views[i]) }));
  const { history, best } = await trainPart(trained, samples, polished, checkpoints, options);

  const model = buildModel({ seed: viewed.seed });
  // The mean of the weights after both parts is as good as either on every set, and a little better on most (Wortsman et al.,
  // "Robust fine-tuning of zero-shot models", 2022).
  model.setWeights(trained.getWeights().map((weight, i) => tf.div(tf.add(weight, before[i]), 2)));
  setMetadata(model, metadataOf(trained));
  tf.dispose(before);
  trained.dispose();

  // FER+ is 39% neutral, and its voters call mild anger and sadness neutral. A network that learns this answers neutral for
  // sad and angry faces of other sets. One number per class, added to the logits, corrects it.
  const said: Said[] = [];
  for (const samples of Object.values(faces.tune)) said.push(await saidOf(model, samples));
  const offsets = bestOffsets(said);
  foldOffsets(model, offsets);
  // Soft labels make the probabilities lower than the accuracy; dividing the logits by one number corrects it.
  const shifted = said.flatMap(({ logs }) =>
    Array.from(logs, (log, i) => Math.exp(log + offsets[i % EMOTIONS.length])),
  );
  const labels = said.flatMap((set) => Array.from(set.labels));
  const temperature = bestTemperature(normalised(Float32Array.from(shifted)), labels);
  foldTemperature(model, temperature);
  const tune = {
    faces: Object.fromEntries(Object.entries(faces.tune).map(([set, { length }]) => [set, length])),
    meanMacroRecall: meanMacroRecall(said, offsets),
    withoutOffsets: meanMacroRecall(
      said,
      offsets.map(() => 0),
    ),
    macroRecalls: Object.fromEntries(
      Object.keys(faces.tune).map((set, i) => [set, meanMacroRecall([said[i]], offsets)]),
    ),
  };
  return { model, offsets, temperature, tune, history, best };
}

function trainPart(
  model: LayersModel,
  samples: Sample[],
  settings: TrainOptions,
  checkpoint: string,
  { faces, onEpoch }: TrainWeightsOptions,
) {
  return train(model, samples, {
    ...settings,
    validationData: faces.tune.ferplus,
    monitor: 'loss',
    checkpoint,
    resume: true,
    callbacks: { onEpochEnd: onEpoch },
  });
}

async function saidOf(model: LayersModel, samples: readonly Sample[]): Promise<Said> {
  const classifier = createClassifier({ model });
  const rows: number[] = [];
  for (const { image } of samples) {
    const predictions = await classifier.classify(image);
    rows.push(
      ...EMOTIONS.map((emotion) => {
        const { probability } = predictions.find(({ className }) => className === emotion)!;
        return Math.log(Math.max(probability, 1e-12));
      }),
    );
  }
  return { logs: Float32Array.from(rows), labels: samples.map(({ label }) => label as number) };
}

/** Divides each row by its sum. */
function normalised(rows: Float32Array): Float32Array {
  const classes = EMOTIONS.length;
  return rows.map((value, i) => {
    const first = i - (i % classes);
    return value / rows.subarray(first, first + classes).reduce((sum, each) => sum + each, 0);
  });
}
