import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import * as main from '../src/index.js';
import * as kernels from '../src/kernels.js';
import * as lite from '../src/lite.js';
import * as node from '../src/node.js';
import { functionSink } from '../src/queue/function-sink.js';
import * as queue from '../src/queue.js';
import * as weights from '../src/weights.js';

const face = { data: new Uint8Array(1024), width: 32, height: 32, channels: 1 as const };
const faces = [{ image: face, label: 0 }];
const folder = mkdtempSync(join(tmpdir(), 'fer-options-'));
const report = { calibration: [], classes: [], confusionMatrix: [] };
const history = { loss: [1], accuracy: [1] };
let model: ReturnType<typeof main.buildModel>;

beforeAll(async () => {
  await main.useBackend('cpu');
  model = main.buildModel({ seed: 1 });
});

// biome-ignore lint/suspicious/noExplicitAny: options of every kind, and wrong ones
type Any = any;

/** Every public function that takes options, with all that it needs beside them. */
const calls: Record<string, (options: Any) => unknown> = {
  classify: (options) => main.classify(face, options),
  'classify of lite': (options) => lite.classify(face, options),
  createClassifier: (options) => main.createClassifier(options),
  'createClassifier of lite': (options) => lite.createClassifier(options),
  'classifier.classify': (options) => main.createClassifier({ backend: 'cpu' }).classify([face], options),
  classifyFaces: (options) => main.classifyFaces(face, options),
  useBackend: (options) => main.useBackend('cpu', options),
  blazeFaceDetector: (options) => main.blazeFaceDetector(options),
  faceApiDetector: (options) => main.faceApiDetector(options),
  nativeDetector: (options) => main.nativeDetector(options),
  createTracker: (options) => main.createTracker(options),
  buildModel: (options) => main.buildModel(options),
  train: (options) => main.train(model, faces, options),
  evaluate: (options) => main.evaluate(model, faces, options),
  preprocess: (options) => main.preprocess(face, options),
  cosineSchedule: (options) => main.cosineSchedule(options),
  stepSchedule: (options) => main.stepSchedule({ at: [0.5], ...options }),
  plotHistory: (options) => main.plotHistory(history, options),
  plotCalibration: (options) => main.plotCalibration(report, options),
  plotConfusionMatrix: (options) => main.plotConfusionMatrix(report, options),
  loadPretrained: (options) => weights.loadPretrained(options),
  registerTrainingKernels: (options) => kernels.registerTrainingKernels(options),
  imageFolder: (options) => node.imageFolder(folder, options),
  checkFolder: (options) => node.checkFolder(folder, options),
  splitFolder: (options) => node.splitFolder(folder, options),
  saveModel: (options) => node.saveModel(model, folder, options),
  toOnnx: (options) => node.toOnnx(model, options),
  renderPlot: (options) => node.renderPlot(main.plotHistory(history), options),
  videoFrames: (options) => node.videoFrames(folder, options).next(),
  ClassifierPool: (options) => new node.ClassifierPool(options),
  'pool.classify': (options) => new node.ClassifierPool().classify([], options),
  enqueue: (options) => queue.enqueue([], { connection: 'redis://127.0.0.1:1', ...options }),
  enqueueFolder: (options) => queue.enqueueFolder(folder, { connection: 'redis://127.0.0.1:1', ...options }),
  createWorker: (options) =>
    queue.createWorker({ connection: 'redis://127.0.0.1:1', sink: functionSink(() => {}), ...options }),
  queueStatus: (options) => queue.queueStatus({ connection: 'redis://127.0.0.1:1', ...options }),
  createMetrics: (options) => queue.createMetrics({ connection: 'redis://127.0.0.1:1', ...options }),
};

async function said(call: (options: Any) => unknown, options: unknown): Promise<string> {
  try {
    await call(options);
    return 'nothing';
  } catch (error) {
    return error instanceof main.FerError ? `${error.code}: ${error.message}` : `${error}`;
  }
}

describe.each(Object.entries(calls))('%s', (_, call) => {
  test('refuses an option that it does not have, by name', async () => {
    expect(await said(call, { nonsense: 1 })).toMatch(/^OPTION: [\w.]+ has no option 'nonsense': /);
  });
});

/** Those whose options are passed on as they are. */
const direct = Object.entries(calls).filter(([, call]) => !String(call).includes('...options'));

describe.each(direct)('%s', (_, call) => {
  test.each([[null], [5], ['fast'], [[]], [Promise.resolve({})]])('refuses %o as options', async (options) => {
    expect(await said(call, options)).toMatch(/^OPTION: the options of [\w.]+ must be an object, got /);
  });
});

describe('an option that is nearly right', () => {
  test.each<[string, object, string]>([
    ['classify', { topK: 1 }, 'topk'],
    ['train', { learning_rate: 1 }, 'learningRate'],
    ['createTracker', { hysterisis: 1 }, 'hysteresis'],
    ['createWorker', { privatehosts: [] }, 'privateHosts'],
  ])('of %s is named: %o', async (name, options, meant) => {
    expect(await said(calls[name], options)).toMatch(new RegExp(`did you mean '${meant}'\\?$`));
  });
});

describe('a wrong value', () => {
  test.each<[string, object, string]>([
    ['train', { classWeights: 'Balanced' }, "classWeights must be 'balanced', got 'Balanced'"],
    ['train', { augment: 'Report' }, "augment must be 'report', 'strong' or 'none', got 'Report'"],
    ['train', { schedule: 'linear' }, "schedule must be 'constant', 'cosine' or 'step', got 'linear'"],
    ['train', { checkpoint: {} }, 'checkpoint must be a folder, or an object with save() and load(), got an object'],
    ['train', { earlyStopping: { patience: 1, minDelta: Number.NaN } }, 'earlyStopping.minDelta must be 0 or more'],
    ['train', { normalization: 'typo' }, "normalization must be 'unit', 'standardize' or 'localContrast', got 'typo'"],
    ['evaluate', { normalization: 'typo' }, "normalization must be 'unit', 'standardize' or 'localContrast'"],
    ['stepSchedule', { at: [0.5], factor: -1 }, 'factor must be positive, got -1'],
    ['createWorker', { hosts: 'images.example.com' }, "hosts must be a list of hosts, got 'images.example.com'"],
    ['createWorker', { hosts: ['https://images.example.com/'] }, 'hosts[0] must be a host as in addresses'],
    ['createWorker', { maxBytes: Number.NaN }, 'maxBytes must be a number of bytes of at least 1, got NaN'],
    ['createWorker', { maxBytes: '10kB' }, "maxBytes must be a number of bytes of at least 1, got '10kB'"],
    ['classify', { topk: 1.5 }, 'topk must be an integer of 1 or more, got 1.5'],
    ['train', { callbacks: () => {} }, 'callbacks must be an object of callbacks, or a list of them, got a function'],
    [
      'train',
      { callbacks: { onEpoch() {} } },
      "callbacks has no event 'onEpoch': use onTrainBegin, onBatchEnd, onEpochEnd",
    ],
    ['train', { callbacks: { onEpochEnds() {} } }, "callbacks has no event 'onEpochEnds': did you mean 'onEpochEnd'?"],
    [
      'createClassifier',
      { assets: { 'weight.bin': new Uint8Array(1) } },
      "assets has no 'weights.bin': is it 'weight.bin'?",
    ],
  ])('by %s is refused: %o', async (name, options, message) => {
    expect(await said(calls[name], options)).toContain(`OPTION: ${message}`);
  });

  test('train() accepts the words of the command line', async () => {
    const words = { augment: 'report', schedule: 'cosine', classWeights: 'balanced' } as const;
    const small = sequential({
      layers: [
        layers.flatten({ inputShape: [32, 32, 1] }),
        layers.dense({ units: main.EMOTIONS.length, activation: 'softmax' }),
      ],
    });
    expect((await main.train(small, faces, { epochs: 1, ...words })).stoppedAt).toBe(1);
  });
});

describe('a forgotten await is reported for', () => {
  const later = (value: unknown) => Promise.resolve(value) as Any;
  test.each<[string, () => unknown]>([
    ['the model of train', () => main.train(later(model), faces)],
    ['the model of evaluate', () => main.evaluate(later(model), faces)],
    ['the model of summary', () => main.summary(later(model))],
    ['the model of saveModel', () => node.saveModel(later(model), folder)],
    ['the model of toOnnx', () => node.toOnnx(later(model))],
    ['the data of train', () => main.train(model, later(faces))],
    ['the data of evaluate', () => main.evaluate(model, later(faces))],
    ['an image', () => main.classify(later(face))],
    ['one of several images', () => main.classify([face, later(face)])],
    ['an image of classifyFaces', () => main.classifyFaces(later(face))],
    ['an image of preprocess', () => main.preprocess(later(face))],
    ['the items of a queue', () => queue.enqueue(later([]), { connection: 'redis://127.0.0.1:1' })],
    ['the items of a pool', () => new node.ClassifierPool().classify(later([]))],
    ['the frames of a tracker', () => main.createTracker().follow(later([])).next()],
    ['the state of a tracker', () => main.stateToCsv(later({}))],
    ['the summary of a tracker as CSV', () => main.summaryToCsv(later({}))],
    ['the summary of a tracker as JSON', () => main.summaryToJson(later({}))],
    ['a history', () => main.plotHistory(later(history))],
    ['a report', () => main.plotCalibration(later(report))],
    ['the report of a confusion matrix', () => main.plotConfusionMatrix(later(report))],
    ['a chart', () => node.renderPlot(later({}))],
    ['an asset', () => main.createClassifier({ assets: { 'weights.bin': later(0) } })],
    ['the callbacks of train', () => main.train(model, faces, { callbacks: later({}) })],
  ])('%s', async (_, call) => {
    expect(await said(call, undefined)).toMatch(/^[A-Z_]+: .*a Promise \(await is missing\)/);
  });
});

describe('a wrong argument is told as such:', () => {
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });

  test.each<[string, () => unknown, string]>([
    ['an empty path', () => main.classify(''), 'NOT_FOUND: "" cannot be found'],
    ['weights in a detached buffer', () => classifyWith({ 'weights.bin': detached }), 'WEIGHTS_CORRUPT: '],
    ['weights that are a detached buffer', () => classifyWith({ 'weights.bin': detached.buffer }), 'WEIGHTS_CORRUPT: '],
    [
      'no frames',
      () =>
        main
          .createTracker()
          .follow(undefined as Any)
          .next(),
      'INPUT: frames must be a list or',
    ],
    [
      'a path as frames',
      () =>
        main
          .createTracker()
          .follow('a.mp4' as Any)
          .next(),
      'INPUT: frames must be a list or',
    ],
    ['a time as text', () => main.createTracker().update([], '5' as Any), 'TIMESTAMP: timestamp must be a number of'],
    ['a tracker as its summary', () => main.summaryToJson(main.createTracker() as Any), 'INPUT: expected the summary'],
    [
      'a name as label',
      () => main.train(model, [{ image: face, label: 'sad' as Any }]),
      'CLASSES: sample 0: the label must',
    ],
    ['no indices', () => node.imageFolder(classFolder()).subset(undefined as Any), 'OPTION: indices must be a list of'],
    [
      'a number as items',
      () => queue.enqueue(5 as Any, { connection: 'redis://127.0.0.1:1' }),
      'INPUT: items must be a list',
    ],
    [
      'a number as the name of a queue',
      () => calls.createMetrics({ queue: 5 }),
      "OPTION: a queue's name may have only",
    ],
    [
      'a disposed model to save',
      () => node.saveModel(disposedModel(), folder),
      'DISPOSED: the model has been disposed',
    ],
    ['a disposed model to convert', () => node.toOnnx(disposedModel()), 'DISPOSED: the model has been disposed'],
    ['no path of results', () => queue.jsonLines(undefined as Any), 'OPTION: path must be a string, got undefined'],
    ['no key of a stream', () => queue.redisStream(''), "OPTION: key must be a string, got ''"],
    ['no chart', () => node.renderPlot(undefined as Any), 'DATA: renderPlot: expected a Vega-Lite specification, got'],
  ])('%s', async (_, call, message) => {
    expect(await said(call, undefined)).toContain(message);
  });

  function disposedModel(): Any {
    const disposed = main.buildModel({ seed: 1 });
    disposed.dispose();
    return disposed;
  }

  function classFolder(): string {
    const dir = mkdtempSync(join(folder, 'faces-'));
    mkdirSync(join(dir, 'happy'));
    writeFileSync(join(dir, 'happy/a.png'), '\x89PNG\r\n\x1a\n', 'latin1');
    return dir;
  }

  function classifyWith(assets: Any): unknown {
    return lite.createClassifier({ assets }).load();
  }
});

describe('a backend', () => {
  test('whose name differs from its registered name is refused when it starts', async () => {
    main.registerBackend('mine', () => ({ name: 'other', tfjsName: 'cpu', start: async () => {} }));
    expect(await said(() => main.useBackend('mine'), undefined)).toBe(
      `OPTION: the backend registered as 'mine' has another name, "other"`,
    );
  });

  test('that is not a backend is refused when it starts', async () => {
    main.registerBackend('none', (() => null) as Any);
    expect(await said(() => main.useBackend('none'), undefined)).toMatch(
      /^OPTION: the backend registered as 'none' must/,
    );
    expect(await said(() => main.registerBackend('no factory', {} as Any), undefined)).toMatch(
      /^OPTION: the backend's/,
    );
  });

  test('that already runs refuses other options', async () => {
    expect(await said(() => main.useBackend('cpu', { assets: '/elsewhere/' }), undefined)).toMatch(
      /^OPTION: backend 'cpu' already runs with other options/,
    );
    expect(await said(() => main.useBackend('cpu'), undefined)).toBe('nothing');
  });
});

describe('a tracker', () => {
  test.each<[string, Any]>([
    ['null', [null]],
    ['a face without predictions', [{ box: { x: 0, y: 0, width: 1, height: 1 } }]],
    ['a prediction that is null', [{ box: { x: 0, y: 0, width: 1, height: 1 }, predictions: [null] }]],
  ])('refuses %s as a face', async (_, given) => {
    expect(await said(() => main.createTracker().update(given, 0), undefined)).toMatch(/^SHAPE: face 0/);
  });

  test('refuses an answer that is not a list from a classify function of the caller', async () => {
    const tracker = main.createTracker({ classify: async () => undefined as Any });
    expect(await said(() => tracker.update(face, 0), undefined)).toBe(
      'SHAPE: the faces of a frame must be a list, got undefined',
    );
  });
});
