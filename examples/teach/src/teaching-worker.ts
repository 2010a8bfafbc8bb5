import { buildModel, cosineSchedule, type EvaluationReport, evaluate, train, useBackend } from 'fer-dcnn';
import {
  type BuiltInDetector,
  blazeFaceDetector,
  type Classifier,
  classifyFaces,
  createClassifier,
  createTracker,
  type DetectedFace,
  EMOTIONS,
  type Prediction,
  type TrackedFace,
} from 'fer-dcnn/lite';
import { loadPretrained, pretrained } from 'fer-dcnn/weights';
import { BLACK_PICTURE } from '../../page-parts/black-picture.js';
import { answerCalls, tell } from '../../page-parts/worker-calls.js';
import { cutOut } from './cut-out.js';
import { type ModelFiles, modelFiles } from './model-files.js';

/** A cut-out face, and the index of its class. */
export interface TaughtFace {
  image: ImageData;
  label: number;
}

export interface EpochDone {
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Accuracy on the augmented training faces. */
  taught: number;
  /** Accuracy on the test faces. */
  heldOut: number;
}

export interface Outcome {
  classes: readonly string[];
  /** Accuracy of the shipped network; null if the classes differ from its own. */
  before: EvaluationReport | null;
  after: EvaluationReport;
  seconds: number;
  /** The round whose weights were kept, from 1: the round with the smallest training loss. */
  kept: number;
  files: ModelFiles;
}

/** The faces in a camera frame. */
export interface Look {
  /** Boxes in pixels of the frame. */
  faces: Pick<TrackedFace, 'id' | 'box'>[];
  /** Id of the used face, or null without one. */
  taken: number | null;
  /** That face, cut out, if requested. */
  cut: ImageData | null;
  before: readonly Prediction[];
  /** Predictions of the last trained network; null before the first training. */
  after: readonly Prediction<string>[] | null;
  ms: number;
}

/** Total number of samples, so that few faces get enough steps: as many as 20 rounds of 160 faces. */
const epochsFor = (faces: number) => Math.min(80, Math.max(20, Math.round(3200 / faces)));

const { normalization } = pretrained;

let where: { assets?: string } = {};
let finding: { detector?: BuiltInDetector; classifier?: Classifier } = {};
let shipped: Awaited<ReturnType<typeof loadPretrained>>;
let trained: Classifier<string> | null = null;
let stopping = new AbortController();
/** A chosen face stays the same one on a slow machine, too, where a second may pass between frames. */
const followFaces = () => createTracker({ foundAfter: 0, lostAfter: 3000 });
let tracker = followFaces();

const teaching = {
  /** Loads everything that is needed later, because the page may lose its network. */
  async load(assets: string | undefined): Promise<void> {
    if (assets !== undefined) {
      where = { assets };
      finding = { detector: blazeFaceDetector(where), classifier: createClassifier(where) };
    }
    await classifyFaces(BLACK_PICTURE, { ...finding, fallback: 'whole' });
    await useBackend('wasm', where);
    shipped = await loadPretrained(where);
  },

  /** The first frame of a camera is next. */
  begin(_: null): void {
    tracker = followFaces();
  },

  /**
   * Analyses a frame of the camera.
   *
   * @param chosen - Id of the face to use; the largest face, if it is null or missing.
   */
  async look(ask: {
    frame: VideoFrame | ImageBitmap;
    time: number;
    chosen: number | null;
    cut: boolean;
  }): Promise<Look> {
    const { frame, time, chosen, cut } = ask;
    const began = performance.now();
    try {
      const found = await classifyFaces(frame, finding);
      const faces = (await tracker.update(found, time)).faces.filter(({ seen }) => seen);
      const taken = faces.find(({ id }) => id === chosen) ?? faces.find(({ box }) => sameBox(box, found[0]?.box));
      const face = found.find(({ box }) => taken && sameBox(box, taken.box));
      return {
        faces: faces.map(({ id, box }) => ({ id, box })),
        taken: taken?.id ?? null,
        cut: cut && face ? cutOut(frame, face.crop) : null,
        before: face?.predictions ?? [],
        after: trained && face ? await trained.classify(frame, { box: face.crop }) : null,
        ms: performance.now() - began,
      };
    } finally {
      frame.close();
    }
  },

  /** The largest face in a picture, upright and framed for the network; null without one. */
  async cutFace(picture: ImageBitmap): Promise<ImageData | null> {
    const [face] = await classifyFaces(picture, { ...finding, maxFaces: 1 });
    const cut = face ? cutOut(picture, face.crop) : null;
    picture.close();
    return cut;
  },

  /** @param classes - Names; any other than the five emotions get a new last layer. */
  async teach(ask: { classes: readonly string[]; teaching: TaughtFace[]; heldOut: TaughtFace[] }): Promise<Outcome> {
    const { classes, teaching, heldOut } = ask;
    const known = classes.every((name, i) => name === EMOTIONS[i]);
    stopping = new AbortController();
    const model = buildModel({ classes });
    // Other classes get a new last layer on top of the network's features.
    const lastLayer = known ? [] : model.getWeights().slice(-2);
    model.setWeights([...shipped.getWeights().slice(0, known ? undefined : -2), ...lastLayer]);
    try {
      const before = known ? await evaluate(shipped, heldOut) : null;
      const epochs = epochsFor(teaching.length);
      const started = performance.now();
      const { best } = await train(model, teaching, {
        normalization,
        epochs,
        batchSize: 16,
        learningRate: known ? 5e-4 : 1e-3,
        schedule: cosineSchedule(),
        sampling: 'balanced',
        augment: { flip: true, rotation: 10, shift: 0.06, scale: 0.12, brightness: 0.1, contrast: 0.2 },
        // Shown, but not used to select the epoch, because the figure would then be too good.
        validationData: heldOut,
        monitor: 'loss',
        signal: stopping.signal,
        callbacks: {
          onEpochEnd: (epoch, { accuracy, valAccuracy = 0 }) =>
            tell({ epoch, epochs, taught: accuracy, heldOut: valAccuracy } satisfies EpochDone),
        },
      });
      const seconds = (performance.now() - started) / 1000;
      const files = await modelFiles(model);
      const after = await evaluate(model, heldOut);
      trained?.dispose();
      trained = createClassifier<string>({
        ...where,
        model: { json: JSON.parse(files.json), binary: new Uint8Array(files.weights) },
        normalization,
        classes,
      });
      return { classes, before, after, seconds, kept: best.epoch, files };
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

function sameBox(a: DetectedFace['box'], b: DetectedFace['box'] | undefined): boolean {
  return b !== undefined && a.x === b.x && a.y === b.y && a.width === b.width;
}
