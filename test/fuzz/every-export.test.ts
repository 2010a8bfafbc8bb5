import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as main from '../../src/index.js';
import * as kernels from '../../src/kernels.js';
import * as lite from '../../src/lite.js';
import * as node from '../../src/node.js';
import * as queue from '../../src/queue.js';
import * as weights from '../../src/weights.js';
import fc from '../fast-check.js';
import { oddInput, oddNumber } from './hostile-values.js';
import { fuzz, TIME, watchProcess } from './run-cases.js';

/*
 * Every function of every entry, with any value for every option and every argument: a result or a FerError, in time. Which
 * options a function has, it says itself. An export that has no call here fails the test.
 */

// biome-ignore lint/suspicious/noExplicitAny: values of every kind
type Any = any;

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-exports-'));
const face = { data: new Uint8Array(1024), width: 32, height: 32, channels: 1 as const };
const faces = [{ image: face, label: 0 }];
const report: Any = { calibration: [], classes: [], confusionMatrix: [] };
const history: Any = { loss: [1], accuracy: [1] };
const seen = [{ box: { x: 0, y: 0, width: 9, height: 9 }, predictions: [{ className: 'happy', probability: 1 }] }];
const state: Any = { time: 0, faces: [] };
/** An invalid name of a queue: no server is called, even if everything else is right. */
const address = { connection: 'redis://127.0.0.1:1', queue: 'no name' };
let model: ReturnType<typeof main.buildModel>;

watchProcess();
beforeAll(async () => {
  // Files of odd names are written here.
  process.chdir(folder);
  await main.useBackend('cpu');
  model = main.buildModel({ seed: 1 });
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

/** What has no end in itself is stopped. */
const soon = (options: Any) =>
  options?.signal === undefined ? { ...options, signal: AbortSignal.timeout(50) } : options;
const ended = (options: Any) => (options?.signal === undefined ? { ...options, signal: AbortSignal.abort() } : options);

/** A call by name: odd arguments (undefined for those that are right), and odd options. */
const calls: Record<string, (odd: Any, options: Any) => unknown> = {
  'main.classify': (odd = face, options) => main.classify(odd, options),
  'main.classifyFaces': (odd = face, options) => main.classifyFaces(odd, options),
  'main.createClassifier': (odd = face, options) => main.createClassifier(options).classify(odd),
  'main.createTracker': (odd = seen, options) => main.createTracker(options).update(odd, 0),
  'main.registerBackend': (odd, options) => main.registerBackend('odd', options ?? odd),
  'main.useBackend': (odd = 'cpu', options) => main.useBackend(odd, options),
  'main.blazeFaceDetector': (odd = face, options) => main.blazeFaceDetector(options).detect(odd),
  'main.faceApiDetector': (_, options) => main.faceApiDetector(options),
  'main.nativeDetector': (odd = face, options) => main.nativeDetector(options).detect(odd),
  'main.evaluate': (odd = faces, options) => main.evaluate(model, odd, soon(options)),
  'main.train': (odd = faces, options) => main.train(model, odd, soon({ epochs: 1, ...options })),
  'main.plotCalibration': (odd = report, options) => main.plotCalibration(odd, options),
  'main.plotConfusionMatrix': (odd = report, options) => main.plotConfusionMatrix(odd, options),
  'main.plotHistory': (odd = history, options) => main.plotHistory(odd, options),
  'main.buildModel': (_, options) => main.buildModel(options).dispose(),
  'main.summary': (odd = model) => main.summary(odd),
  'main.preprocess': async (odd = face, options) => (await main.preprocess(odd, options)).dispose(),
  'main.cosineSchedule': (_, options) => main.cosineSchedule(options),
  'main.stepSchedule': (_, options) => main.stepSchedule({ at: [0.5], ...options }),
  'main.stateCsvHeader': (odd = main.EMOTIONS) => void main.stateCsvHeader(odd),
  'main.stateToCsv': (odd = state) => void main.stateToCsv(odd),
  'main.summaryToCsv': (odd = main.createTracker().summary()) => void main.summaryToCsv(odd),
  'main.summaryToJson': (odd = main.createTracker().summary()) => void main.summaryToJson(odd),
  'lite.classify': (odd = face, options) => lite.classify(odd, options),
  'lite.classifyFaces': (odd = face, options) => lite.classifyFaces(odd, options),
  'lite.createClassifier': (odd = face, options) => lite.createClassifier(options).classify(odd),
  'lite.createTracker': (odd = seen, options) => lite.createTracker(options).update(odd, 0),
  'weights.loadPretrained': async (_, options) => (await weights.loadPretrained(options)).dispose(),
  'weights.pretrained': () => void weights.pretrained,
  'kernels.registerTrainingKernels': (_, options) => kernels.registerTrainingKernels(options),
  'node.checkFolder': (odd = '.', options) => node.checkFolder(inside(odd), soon(options)),
  'node.imageFolder': (odd = '.', options) => node.imageFolder(inside(odd), options),
  'node.loadModel': (odd = '.') => node.loadModel(odd),
  'node.openDataset': (odd = '.', options) => node.openDataset(inside(odd), options),
  'node.saveModel': (odd = 'model', options) => node.saveModel(model, inside(odd), options),
  'node.splitFolder': (odd = '.', options) => node.splitFolder(inside(odd), options),
  'node.toOnnx': (odd = model, options) => node.toOnnx(odd, options),
  'node.ClassifierPool': (odd = [], options) => new node.ClassifierPool(options).classify(odd, ended(undefined)),
  'node.renderPlot': (odd = main.plotHistory(history), options) => node.renderPlot(odd, options),
  'node.probeVideo': (odd = 'none.mp4', options) => node.probeVideo(odd, soon(options)),
  'node.videoFrames': (odd = 'none.mp4', options) => node.videoFrames(odd, soon(options)).next(),
  'queue.createMetrics': (_, options) => queue.createMetrics({ ...options, ...address }),
  'queue.createWorker': (odd = () => {}, options) => queue.createWorker({ sink: odd, ...options, ...address }),
  'queue.enqueue': (odd = [], options) => queue.enqueue(odd, { ...options, ...address }),
  'queue.enqueueFolder': (odd = '.', options) => queue.enqueueFolder(odd, { ...options, ...address }),
  'queue.jsonLines': (odd = 'lines.jsonl') => queue.jsonLines(odd),
  'queue.queueStatus': (_, options) => queue.queueStatus({ ...options, ...address }),
  'queue.redisStream': (odd = 'key') => queue.redisStream(odd),
};

/** The same function under a second name, and what is only thrown. */
const CALLED_ELSEWHERE = /^lite\.(blazeFaceDetector|nativeDetector|state\w+|summary\w+)$|\.FerError$/;

/** Nothing outside the folder is written to. */
function inside(path: unknown): Any {
  return typeof path === 'string'
    ? join(folder, 'inside', path.replaceAll('..', '').slice(0, 50).replaceAll('\0', ''))
    : path;
}

const entries: Record<string, object> = { main, lite, weights, kernels, node, queue };
const exported = Object.entries(entries).flatMap(([entry, names]) =>
  Object.entries(names).flatMap(([name, value]) => (typeof value === 'function' ? [`${entry}.${name}`] : [])),
);

test('every export has a call in this file', () => {
  const missing = exported.filter((name) => !(name in calls) && !CALLED_ELSEWHERE.test(name));
  expect(missing).toEqual([]);
});

/** Names of the options of a function, as its refusal of an unknown one lists them. */
async function optionsOf(name: string): Promise<string[]> {
  try {
    await calls[name](undefined, { zzzzzzzzzzzz: 1 });
  } catch (error) {
    const listed = /has no option 'z+': use (.*)$/.exec((error as Error).message);
    if (listed) return listed[1].split(', ');
  }
  return [];
}

/** A value that an option may be given; no text that is a path out of the folder. */
const oddValue: fc.Arbitrary<() => unknown> = fc.oneof(
  oddNumber.map((value) => () => value),
  fc
    .constantFrom<unknown>('', 'x', 'x'.repeat(10_000), '\0', '__proto__', 'constructor', [], [null], [[]], [''])
    .map((value) => () => value),
  fc.constantFrom<() => unknown>(
    () => new Proxy({}, { get: refuse }),
    () => new Proxy([], { get: refuse }),
    () => Object.defineProperty({}, 'x', { get: refuse, enumerable: true }),
    () => Object.create(null),
    () => new Map([[1, 2]]),
    () => new Date(Number.NaN),
    () => () => undefined,
    () => async () => refuse(),
    () => refuse,
    () => Promise.resolve({}),
    () => new Uint8Array(3),
    () => ({ length: -1 }),
    () => ({ length: 2 ** 40 }),
  ),
);

function refuse(): never {
  throw new RangeError('thrown by a hostile value');
}

/** Functions that iterate what they are given, or call it: what that throws is its own, and goes through. */
const PASSES_ON = /^(main\.(train|evaluate|registerBackend|useBackend)|queue\.\w+|node\.ClassifierPool)$/;

describe('hostile values', () => {
  test.each(Object.keys(calls))('%s', { timeout: TIME }, async (name) => {
    const options = await optionsOf(name);
    const given = fc.dictionary(fc.constantFrom(...(options.length > 0 ? options : ['x'])), oddValue, { maxKeys: 2 });
    const cases = fc.oneof(
      fc.record({ odd: oddInput, options: fc.constant(undefined) }),
      fc.record({ odd: oddValue, options: fc.constant(undefined) }),
      ...(options.length > 0 ? [fc.record({ odd: fc.constant(undefined), options: given })] : []),
    );
    await fuzz(
      `export-${name}`,
      0.004,
      cases,
      async (each) => {
        const made =
          each.options && Object.fromEntries(Object.entries(each.options).map(([key, make]) => [key, make()]));
        try {
          await calls[name](each.odd?.(), made);
        } catch (error) {
          if (PASSES_ON.test(name) && /^thrown by a (getter|hostile value)$/.test((error as Error).message))
            return 'own error';
          throw error;
        }
        return 'answer';
      },
      { most: 10_000 },
    );
  });
});
