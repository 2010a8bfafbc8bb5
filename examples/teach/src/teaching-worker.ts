import {
  buildModel,
  classifyFaces,
  cosineSchedule,
  type EvaluationReport,
  evaluate,
  train,
  useBackend,
} from 'fer-dcnn';
import { loadPretrained, pretrained } from 'fer-dcnn/weights';
import { answerCalls, tell } from '../../page-parts/worker-calls.js';
import { cutOut } from './cut-out.js';
import { type ModelFiles, modelFiles } from './model-files.js';

/** A face that was cut out, and the index of the emotion that it is to teach. */
export interface TaughtFace {
  image: ImageData;
  label: number;
}

export interface EpochDone {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Share of the faces it is taught, as they are varied, that it gets right. */
  taught: number;
  /** Share of those kept aside. */
  heldOut: number;
}

export interface Outcome {
  before: EvaluationReport;
  after: EvaluationReport;
  seconds: number;
  files: ModelFiles;
}

/** So that few faces get enough steps: as many samples in all as 20 rounds of 160 faces. */
const epochsFor = (faces: number) => Math.min(80, Math.max(20, Math.round(3200 / faces)));

const { normalization } = pretrained;

let shipped: Awaited<ReturnType<typeof loadPretrained>>;
let stopping = new AbortController();

const teaching = {
  /** Fetches all that is needed later: the page may lose its network then. */
  async load(_: null): Promise<void> {
    await useBackend('wasm');
    await classifyFaces(new ImageData(64, 64), { fallback: 'whole' });
    shipped = await loadPretrained();
  },

  /** The biggest face on a picture, upright and framed as the network wants it; null without one. */
  async cutFace(picture: ImageBitmap): Promise<ImageData | null> {
    const [face] = await classifyFaces(picture, { maxFaces: 1 });
    const cut = face ? cutOut(picture, face.crop) : null;
    picture.close();
    return cut;
  },

  async teach({ teaching, heldOut }: { teaching: TaughtFace[]; heldOut: TaughtFace[] }): Promise<Outcome> {
    stopping = new AbortController();
    const model = buildModel();
    model.setWeights(shipped.getWeights());
    try {
      const before = await evaluate(shipped, heldOut);
      const epochs = epochsFor(teaching.length);
      const started = performance.now();
      await train(model, teaching, {
        normalization,
        epochs,
        batchSize: 16,
        learningRate: 5e-4,
        schedule: cosineSchedule(),
        sampling: 'balanced',
        augment: { flip: true, rotation: 10, shift: 0.06, scale: 0.12, brightness: 0.1, contrast: 0.2 },
        // Shown, but not chosen by: a figure that chose the epoch would flatter it.
        validationData: heldOut,
        monitor: 'loss',
        signal: stopping.signal,
        callbacks: {
          onEpochEnd: (epoch, { accuracy, valAccuracy = 0 }) =>
            tell({ epoch, epochs, taught: accuracy, heldOut: valAccuracy } satisfies EpochDone),
        },
      });
      const seconds = (performance.now() - started) / 1000;
      return { before, after: await evaluate(model, heldOut), seconds, files: await modelFiles(model) };
    } finally {
      model.dispose();
    }
  },

  stop(_: null): void {
    stopping.abort();
  },
};

export type Teaching = typeof teaching;

answerCalls(teaching);
