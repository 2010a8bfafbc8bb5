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

/** A face that was cut out, and the index of the class that it is to teach. */
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
  classes: readonly string[];
  /** Of the shipped network; null where the classes are not its own. */
  before: EvaluationReport | null;
  after: EvaluationReport;
  seconds: number;
  /** The round whose weights were kept, from 1: that with the least loss on what it is taught. */
  kept: number;
  files: ModelFiles;
}

/** What there is on a frame of the camera. */
export interface Look {
  /** Boxes in pixels of the frame. */
  faces: Pick<TrackedFace, 'id' | 'box'>[];
  /** Id of the face that is taken, or null without one. */
  taken: number | null;
  /** That face, cut out, if that was asked for. */
  cut: ImageData | null;
  before: readonly Prediction[];
  /** By the network that was trained last; null before the first training. */
  after: readonly Prediction<string>[] | null;
  ms: number;
}

/** So that few faces get enough steps: as many samples in all as 20 rounds of 160 faces. */
const epochsFor = (faces: number) => Math.min(80, Math.max(20, Math.round(3200 / faces)));

const { normalization } = pretrained;

let where: { assets?: string } = {};
let finding: { detector?: BuiltInDetector; classifier?: Classifier } = {};
let shipped: Awaited<ReturnType<typeof loadPretrained>>;
let trained: Classifier<string> | null = null;
let stopping = new AbortController();
let tracker = createTracker({ foundAfter: 0, lostAfter: 500 });

const teaching = {
  /** Fetches all that is needed later: the page may lose its network then. */
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
    tracker = createTracker({ foundAfter: 0, lostAfter: 500 });
  },

  /**
   * Looks at a frame of the camera.
   *
   * @param chosen - Id of the face to take; the biggest, where it is null or gone.
   */
  async look(ask: { bitmap: ImageBitmap; time: number; chosen: number | null; cut: boolean }): Promise<Look> {
    const { bitmap, time, chosen, cut } = ask;
    const began = performance.now();
    try {
      const found = await classifyFaces(bitmap, finding);
      const faces = (await tracker.update(found, time)).faces.filter(({ seen }) => seen);
      const taken = faces.find(({ id }) => id === chosen) ?? faces.find(({ box }) => sameBox(box, found[0]?.box));
      const face = found.find(({ box }) => taken && sameBox(box, taken.box));
      return {
        faces: faces.map(({ id, box }) => ({ id, box })),
        taken: taken?.id ?? null,
        cut: cut && face ? cutOut(bitmap, face.crop) : null,
        before: face?.predictions ?? [],
        after: trained && face ? await trained.classify(bitmap, { box: face.crop }) : null,
        ms: performance.now() - began,
      };
    } finally {
      bitmap.close();
    }
  },

  /** The biggest face on a picture, upright and framed as the network wants it; null without one. */
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
    // Other classes get a last layer of their own upon what the network knows of faces.
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
