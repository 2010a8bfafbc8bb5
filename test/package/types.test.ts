import { mkdtempSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { leftOut, NIGHT } from '../night.js';
import { runNode } from './run-node.js';
import { typeMessages } from './type-messages.js';

if (!NIGHT) leftOut('TypeScript 6', '1');

/*
 * The types of the packed package as users' projects see them: without the DOM's, without Node's, without the optional
 * packages, at TypeScript's strictest; declaration files are checked too (`skipLibCheck: false`). What compiles must
 * compile, and the message for what does not must name the mistake.
 */
const { folder } = inject('consumer');

const nodeTypes = { typeRoots: [resolve('node_modules/@types')], types: ['node'] };
const strictest = { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
const nodeNext = { module: 'nodenext', moduleResolution: 'nodenext' };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };
const node10 = { module: 'commonjs', moduleResolution: 'node10' };
const plain = ['es2022'];
const dom = ['es2022', 'dom', 'dom.iterable'];

/** A project's `compilerOptions`. */
const projects: Record<string, { typeRoots?: string[]; lib: string[]; module: string; [option: string]: unknown }> = {
  'Node, without the DOM': { ...nodeNext, ...nodeTypes, lib: plain },
  'neither DOM nor Node': { ...bundler, types: [], lib: plain },
  'strictest, with the DOM': { ...bundler, ...nodeTypes, ...strictest, lib: dom },
  'CommonJS, node10': { ...node10, ...nodeTypes, ignoreDeprecations: '6.0', lib: plain },
};

/** By day with TypeScript 7, which knows no node10; at night all projects with 6 too. */
const compiled: [name: string, version: 6 | 7][] = [
  ['Node, without the DOM', 7],
  ['neither DOM nor Node', 7],
];
if (NIGHT)
  compiled.push(['strictest, with the DOM', 7], ...Object.keys(projects).map((name) => [name, 6] as [string, 6]));

/** Compiles everywhere. */
const LITE = `
import { classify, classifyFaces, createClassifier, createTracker, FerError } from 'fer-dcnn/lite';
import type { Assets, Classifier, Crop, ImageInput, Prediction, Predictions, Tracker } from 'fer-dcnn/lite';
export async function use(image: ImageInput, images: ImageInput[], unknown: any): Promise<string[]> {
  const answer = await classify(image, { topk: 2 });
  const all: Predictions[] = await classify(images);
  const [first, second] = await classify([image, 'b.jpg']);
  const some: Prediction[] = await classify(unknown);
  const own = createClassifier({ classes: ['bored', 'attentive'] });
  const mood: 'bored' | 'attentive' = (await own.classify(image))[0].className;
  const [face] = await classifyFaces(image, { classifier: own });
  const crop: Crop | undefined = face?.crop;
  const moods: Classifier<'bored' | 'attentive'> = own;
  const tracker: Tracker<'bored' | 'attentive'> = createTracker({ classifier: moods });
  tracker.addEventListener('change', ({ detail }) => void (detail.to satisfies 'bored' | 'attentive'));
  const said = face === undefined ? mood : face.predictions[0].className;
  return [answer[0].className, first[0].className, second[0].className, said, String(crop?.angle), String(all), String(some)];
}
export function codeOf(error: unknown): string | undefined {
  if (error instanceof FerError) return error.code;
  return FerError.is(error) ? error.code : undefined;
}
export const own: { classify(): Promise<Predictions> } = {
  classify: async () => [{ className: 'happy', probability: 1 }],
};
export const mine = (image: ImageInput) => classifyFaces(image, { classifier: own });
export const assets: Assets = { 'weights.bin': new Uint8Array(1), 'network-simd.wasm': '/static/network-simd.wasm' };
`;

/** Compiles where Node's types are. */
const QUEUE = `
import { createWorker } from 'fer-dcnn/queue';
import type { ItemResult, Ledger, Outcome, Placed, ResultSink } from 'fer-dcnn/queue';
export class Table implements ResultSink {
  #ledger: Ledger | undefined;
  async open(ledger: Ledger): Promise<void> {
    this.#ledger = ledger;
    await ledger.open();
  }
  async deliver(outcomes: readonly Outcome[]): Promise<void> {
    const states = (await this.#ledger?.states(outcomes.map(({ id }) => id))) ?? [];
    await this.#ledger?.settle(outcomes.filter((_, i) => states[i] === 'waiting'));
  }
  async finish(placed: readonly Placed[]): Promise<void> {
    throw new Error(\`\${placed.length} lines wait\`);
  }
}
export const moodOf = (result: ItemResult<'bored' | 'attentive'>) =>
  'predictions' in result ? result.predictions[0].className : result.error.code;
export const worker = () => createWorker({ connection: { host: 'redis', port: 6379 }, sink: new Table() });
export const moods = () =>
  createWorker({
    connection: 'redis://redis',
    classes: ['bored', 'attentive'],
    sink: (results) => results.forEach((result) => void (moodOf(result) satisfies string)),
  });
`;

const NODE = `
import { ClassifierPool, imageFolder, videoFrames } from 'fer-dcnn/node';
export async function use(): Promise<('bored' | 'attentive' | undefined)[]> {
  const pool = new ClassifierPool({ classes: ['bored', 'attentive'] });
  const results = await pool.classify(['a.jpg']);
  return results.map(({ predictions }) => predictions?.[0].className);
}
export { imageFolder, videoFrames };
`;

const MAIN = `
import { buildModel, classify, evaluate, train } from 'fer-dcnn';
import { registerTrainingKernels } from 'fer-dcnn/kernels';
import { loadPretrained } from 'fer-dcnn/weights';
export async function use(data: { image: string; label: number }[]): Promise<number> {
  const { accuracy } = await evaluate(await loadPretrained(), data);
  await registerTrainingKernels();
  await train(buildModel({ seed: 1 }), data, { epochs: 1 });
  return accuracy + (await classify('face.jpg'))[0].probability;
}
`;

const PAGE = `
import { classify, createTracker, type ImageInput } from 'fer-dcnn/lite';
export const inputs = (image: HTMLImageElement, canvas: OffscreenCanvas, bitmap: ImageBitmap, data: ImageData, file: File) =>
  [image, canvas, bitmap, data, file, new URL('https://example.com')] satisfies ImageInput[];
export const both = (canvas: HTMLCanvasElement, video: HTMLVideoElement) => classify([canvas, video]);
createTracker().addEventListener('found', (event: CustomEvent<{ id: number }>) => void event.detail.id, { once: true });
`;

describe('what compiles', () => {
  test.each(compiled)('%s, by TypeScript %d', async (name, version) => {
    const { typeRoots, lib } = projects[name];
    const modules: Record<string, string> = { lite: LITE };
    // Those for Node: with no optional package there. TF.js's own types need Node's too.
    if (typeRoots !== undefined) Object.assign(modules, { queue: QUEUE, node: NODE, main: MAIN });
    if (lib === dom) modules.page = PAGE;
    expect(await errorsOf(modules, name, version)).toEqual({});
  });
});

describe('a mistake is named', () => {
  const lite = "import { classify, createClassifier, FerError } from 'fer-dcnn/lite';\n";
  const queue = "import { createWorker } from 'fer-dcnn/queue';\n";
  const mistakes: [string, string, RegExp][] = [
    [
      'an option in other letters',
      `${lite}classify('a.jpg', { topK: 2 });`,
      /^Object literal may only specify known properties, but 'topK' does not exist in type 'ClassifyOptions<.*>'\. Did you mean to write 'topk'\?$/,
    ],
    [
      'an option of the wrong type',
      `${lite}classify('a.jpg', { topk: '2' });`,
      /^Type 'string' is not assignable to type 'number'/,
    ],
    [
      'an option in other letters, with a list of faces',
      `${lite}createClassifier().classify(['a.jpg'], { topK: 2 });`,
      /'topK' does not exist in type 'ClassifyOptions<.*>'\. Did you mean to write 'topk'\?$/,
    ],
    [
      'an input that is none, also where there is no DOM',
      `${lite}classify({ file: 'a.jpg' });`,
      /'file' does not exist in type .*PixelTensor/,
    ],
    [
      'a number as input',
      `${lite}classify(5);`,
      /'number' is not assignable to parameter of type '(readonly ImageInput\[\] \| )?ImageInput\b/,
    ],
    [
      'a class that there is not',
      `${lite}createClassifier({ classes: ['bored', 'attentive'] }).classify('a.jpg').then(([best]) => best.className === 'happy');`,
      /types '"(bored" \| "attentive|attentive" \| "bored)"' and '"happy"' have no overlap/,
    ],
    [
      'a code that there is not',
      `${lite}export const f = (e: FerError) => e.code === 'NOTFOUND';`,
      /'"NOTFOUND"' have no overlap/,
    ],
    [
      "an option of a worker's connection",
      `${queue}createWorker({ connection: { hots: 'redis' }, sink: () => {} });`,
      /'hots' does not exist in type 'RedisConnectionOptions'/,
    ],
    [
      'an option of a worker',
      `${queue}createWorker({ connection: 'redis://a', sink: () => {}, topK: 1 });`,
      /'topK' does not exist in type 'CreateWorkerOptions<.*>'\. Did you mean to write 'topk'\?$/,
    ],
    [
      'a label by name',
      "import { buildModel, train } from 'fer-dcnn';\ntrain(buildModel(), [{ image: 'a.jpg', label: 'happy' }]);",
      /Types of property 'label' are incompatible/,
    ],
  ];

  test.each<6 | 7>(NIGHT ? [7, 6] : [7])('in one line, where the mistake is, by TypeScript %d', async (version) => {
    const modules = Object.fromEntries(mistakes.map(([, source], i) => [`mistake-${i}`, source]));
    const errors = await errorsOf(modules, 'Node, without the DOM', version);
    const told = mistakes.map(([what], i) => [what, errors[`mistake-${i}`] ?? []] as const);
    expect(told.filter(([, messages]) => messages.length !== 1)).toEqual([]);
    told.forEach(([what, [message]], i) => {
      expect(message, what).toMatch(mistakes[i][2]);
    });
    expect(Object.keys(errors)).toHaveLength(mistakes.length);
  });
});

test('an error is a FerError across require and import', async () => {
  const program = join(folder, 'two-copies.mjs');
  writeFileSync(
    program,
    `import { createRequire } from 'node:module';
    import { FerError } from 'fer-dcnn/lite';
    const other = createRequire(import.meta.url)('fer-dcnn/lite');
    const error = await other.classify('missing.jpg').catch((error) => error);
    const { is } = FerError;
    class Own extends FerError {}
    console.log(JSON.stringify({
      sameClass: other.FerError === FerError,
      here: [is(error), error instanceof FerError],
      there: [other.FerError.is(error), error instanceof other.FerError],
      others: [is(new Error('x')), is(null), is(undefined), is('x'), new Error('x') instanceof FerError],
      hostile: is(new Proxy({}, { get() { throw new Error('no'); } })),
      below: [new Own('DATA', 'x') instanceof FerError, error instanceof Own, new Own('DATA', 'x') instanceof Own],
      shown: Object.keys(error),
    }));`,
  );
  const { stdout, stderr } = await runNode([program], folder);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    sameClass: false,
    here: [true, true],
    there: [true, true],
    others: [false, false, false, false, false],
    hostile: false,
    below: [true, false, true],
    shown: ['name', 'code'],
  });
});

/**
 * What TypeScript finds wrong with modules of a project, and with the package's declarations that they bring in.
 *
 * @param modules - Sources by name.
 * @returns Messages by the name of the module, or of the declaration file.
 */
async function errorsOf(
  modules: Record<string, string>,
  project: string,
  version: 6 | 7,
): Promise<Record<string, string[]>> {
  const options = projects[project];
  const place = mkdtempSync(join(folder, 'types-'));
  // The ending makes an ES module of it where Node decides by that.
  const ending = options.module === 'nodenext' ? '.mts' : '.ts';
  const paths = Object.entries(modules).map(([name, source]) => {
    const path = join(place, `${name}${ending}`);
    writeFileSync(path, source);
    return path;
  });
  const all = { target: 'es2022', strict: true, noEmit: true, ...options };
  const errors: Record<string, string[]> = {};
  for (const { file, message } of await typeMessages(paths, all, folder, version)) {
    const name = basename(file).replace(/\.m?ts$/, '');
    errors[name] = [...(errors[name] ?? []), message];
  }
  return errors;
}
