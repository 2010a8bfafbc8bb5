import type * as tf from '@tensorflow/tfjs-core';
import { checkClassNames, placesByName } from '../../class-names.js';
import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import type { Normalization } from '../../image/normalize.js';
import type { Raster } from '../../image/pixels.js';
import { wholeToInput } from '../../image/pixels-to-input.js';
import { NO_IMAGE, readRows } from '../../image/read-rows.js';
import type { Sample } from '../../image/sample.js';
import { readable } from '../../options.js';
import { type ModelSpec, sampleChannels } from '../model/model-spec.js';

/** Labelled tensors, ready for the model. */
export interface TensorData {
  /** Inputs of the model, [n,height,width,channels], already normalized. */
  xs: tf.Tensor;
  /** Class indices [n], or probabilities (one-hot or soft) [n,classes]. */
  ys: tf.Tensor;
}

/** Samples, and the meaning of their labels. */
export interface LabelledSamples {
  /**
   * Names of the classes, in the order of the labels' indices: they are matched with the model's names. Without them, a
   * label is the index of a model output.
   */
  readonly classes?: readonly string[];
}

/** The data for `train` and `evaluate`. */
export type LabelledData =
  | TensorData
  | DatasetLike
  | ((Iterable<TensorData> | AsyncIterable<TensorData>) & LabelledSamples)
  | ((AsyncIterable<Sample> | Iterable<Sample>) & LabelledSamples);

/**
 * The parts of a `tf.data.Dataset` of `{ xs, ys }` that are used here. Its tensors are disposed after use; the tensors of other
 * iterables belong to the caller.
 */
export interface DatasetLike extends LabelledSamples {
  iterator(): Promise<{ next(): Promise<{ value: unknown; done: boolean }> }>;
}

/** Whether data is tensors rather than samples. */
export function isTensorData(data: unknown): data is TensorData {
  return typeof data === 'object' && data !== null && 'xs' in data && 'ys' in data;
}

/** The class names of the data, if it has any. */
export function classNamesOfData(data: LabelledData): readonly string[] | undefined {
  if (typeof data !== 'object' || data === null || !('classes' in data)) return undefined;
  if (data.classes !== undefined) checkClassNames(data.classes);
  return data.classes;
}

/**
 * Returns data whose labels are indices of a model's classes: labels of data with class names are mapped to the model's order.
 *
 * @throws FerError `CLASSES` when the names differ; the message has both lists.
 */
export function matchedByName(data: LabelledData, classes: readonly string[]): LabelledData {
  const own = classNamesOfData(data);
  if (own === undefined || isTensorData(data)) return data;
  const places = placesByName(own, classes, ['the data', 'the model']);
  if (places === null) return data;
  return {
    async *[Symbol.asyncIterator]() {
      for await (const sample of samplesOf(data)) {
        if (isTensorData(sample))
          throw new FerError('CLASSES', 'labels of tensor batches are indices of the model outputs: leave out classes');
        yield { ...sample, label: moved(sample.label, places) };
      }
    },
  };
}

/** Inputs and labels as flat arrays, one row per sample. */
export interface LabelledRows {
  /** [count,inputSize] */
  inputs: Float32Array;
  /** [count,classes] */
  labels: Float32Array;
  count: number;
}

/**
 * Yields labelled data as batches for a model; the last may be smaller.
 *
 * @throws FerError `DATA` when the data is empty or not labelled data, `SHAPE`, `CLASSES` and `NOT_FINITE` for
 * tensors or labels that do not fit the model, and what reading a sample throws.
 */
export async function* labelledBatches(
  data: LabelledData,
  spec: ModelSpec,
  normalization: Normalization,
  batchSize: number,
): AsyncGenerator<LabelledRows> {
  if (isTensorData(data)) {
    yield* rowBlocks(await tensorRows(data, spec), spec, batchSize);
    return;
  }

  let batch = emptyRows(batchSize, spec);
  let seen = 0;
  const { width, height } = spec;
  const reduce = (pixels: Raster) =>
    wholeToInput(pixels, { width, height, channels: sampleChannels(spec) }, normalization);
  for await (const read of readSamples(data, spec, reduce)) {
    if ('rows' in read) {
      seen += read.rows.count;
      yield* rowBlocks(read.rows, spec, batchSize);
      continue;
    }
    const { sample, row } = read;
    batch.inputs.set(row, batch.count * spec.inputSize);
    writeLabel(sample.label, spec.classes, batch.labels, batch.count, sample.file ?? `sample ${seen}`);
    batch.count++;
    seen++;
    if (batch.count === batchSize) {
      yield batch;
      batch = emptyRows(batchSize, spec);
    }
  }
  if (seen === 0) throw nothing();
  if (batch.count > 0) {
    yield* rowBlocks(batch, spec, batch.count);
  }
}

/** A sample with the row made from its image, or a batch of tensors as rows. */
export type ReadSample<Row> = { sample: Sample; row: Row } | { rows: LabelledRows };

/**
 * Reads the samples of labelled data in order, several images at a time.
 *
 * @param reduce - Turns the pixels of an image into its `row`.
 * @throws FerError as {@link samplesOf} and {@link tensorRows}, and the errors of reading an image.
 */
export async function* readSamples<Row>(
  data: Exclude<LabelledData, TensorData>,
  spec: ModelSpec,
  reduce: (pixels: Raster) => Row,
): AsyncGenerator<ReadSample<Row>, void, undefined> {
  const imageOf = (item: Sample | LabelledRows) => ('image' in item ? item.image : NO_IMAGE);
  for await (const { item, row } of readRows(withTensorsRead(data, spec), imageOf, reduce)) {
    yield 'image' in item ? { sample: item, row: row as Row } : { rows: item };
  }
}

/** Tensors are read before the next batch is requested, because their owner may dispose them then. */
async function* withTensorsRead(data: Exclude<LabelledData, TensorData>, spec: ModelSpec) {
  for await (const sample of samplesOf(data)) {
    yield isTensorData(sample) ? await tensorRows(batched(sample), spec) : sample;
  }
}

/** Cuts rows into blocks of `size`, without copying; the last may be smaller. */
export function* rowBlocks(rows: LabelledRows, spec: ModelSpec, size: number): Generator<LabelledRows> {
  for (let from = 0; from < rows.count; from += size) {
    const count = Math.min(size, rows.count - from);
    yield {
      inputs: rows.inputs.subarray(from * spec.inputSize, (from + count) * spec.inputSize),
      labels: rows.labels.subarray(from * spec.classes, (from + count) * spec.classes),
      count,
    };
  }
}

/** All of a {@link TensorData} as rows, checked against the model. */
export async function tensorRows({ xs, ys }: TensorData, spec: ModelSpec): Promise<LabelledRows> {
  const wanted = [spec.height, spec.width, spec.channels];
  if (!Array.isArray(xs?.shape) || !Array.isArray(ys?.shape)) {
    throw new FerError('DATA', `xs and ys must be tensors, got ${describeInput(xs)} and ${describeInput(ys)}`);
  }
  if (xs.rank !== 4 || wanted.some((size, axis) => xs.shape[axis + 1] !== size)) {
    throw new FerError('SHAPE', `xs has shape [${xs.shape}], the model expects [n,${wanted}]`);
  }
  const count = xs.shape[0];
  if (count === 0) throw nothing();
  if (ys.shape[0] !== count) throw new FerError('SHAPE', `xs has ${count} rows, ys has ${ys.shape[0]}`);
  if (ys.rank > 2 || (ys.rank === 2 && ys.shape[1] !== spec.classes)) {
    throw new FerError(
      'CLASSES',
      `ys has shape [${ys.shape}], the model has ${spec.classes} classes: expected [n] or [n,${spec.classes}]`,
    );
  }

  const inputs = new Float32Array(await xs.data());
  for (let i = 0; i < inputs.length; i++) {
    if (!Number.isFinite(inputs[i])) {
      throw new FerError('NOT_FINITE', `xs contains ${inputs[i]} in row ${Math.floor(i / spec.inputSize)}`);
    }
  }
  const given = await ys.data();
  const labels = new Float32Array(count * spec.classes);
  for (let row = 0; row < count; row++) {
    const label = ys.rank === 1 ? given[row] : given.subarray(row * spec.classes, (row + 1) * spec.classes);
    writeLabel(label, spec.classes, labels, row, `row ${row}`);
  }
  return { inputs, labels, count };
}

/**
 * Writes one label as a row of probabilities.
 *
 * @param label - A class index, or probabilities of all classes summing to 1 (within 1e-3).
 * @param where - The owner of the label, for the message.
 * @throws FerError `CLASSES` for an index or a count out of range, `NOT_FINITE`, `DATA` for rows that are not
 * probabilities.
 */
export function writeLabel(
  label: number | ArrayLike<number>,
  classes: number,
  labels: Float32Array,
  row: number,
  where: string,
): void {
  if (typeof label === 'number') {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new FerError('CLASSES', `${where}: label ${label} is not a class index of a model with ${classes} classes`);
    }
    labels[row * classes + label] = 1;
    return;
  }
  if (label === null || typeof label !== 'object') {
    throw new FerError(
      'CLASSES',
      `${where}: the label must be a class index, or the probabilities of ${classes} classes, got ${describeInput(label)}`,
    );
  }
  if (label.length !== classes) {
    throw new FerError('CLASSES', `${where}: a label of ${label.length} numbers for a model with ${classes} classes`);
  }
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    if (!Number.isFinite(label[c])) throw new FerError('NOT_FINITE', `${where}: the label contains ${label[c]}`);
    if (label[c] < 0) throw new FerError('DATA', `${where}: the label contains a negative probability, ${label[c]}`);
    sum += label[c];
    labels[row * classes + c] = label[c];
  }
  if (Math.abs(sum - 1) > 1e-3) throw new FerError('DATA', `${where}: the label's probabilities sum to ${sum}, not 1`);
}

/** The samples or batches of labelled data that is not tensors. @throws FerError `DATA` when it cannot be iterated. */
export async function* samplesOf(
  data: Exclude<LabelledData, TensorData>,
): AsyncGenerator<Sample | TensorData, void, undefined> {
  if (isDatasetLike(data)) {
    const iterator = await data.iterator();
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const batch = next.value as Sample | TensorData;
      try {
        yield batch;
      } finally {
        // A label of a single sample may be a plain number, which has nothing to dispose.
        if (isTensorData(batch)) for (const tensor of [batch.xs, batch.ys]) tensor?.dispose?.();
      }
    }
    return;
  }
  if (data === null || typeof data !== 'object' || !(Symbol.asyncIterator in data || Symbol.iterator in data)) {
    throw new FerError(
      'DATA',
      `data must be { xs, ys } tensors or an iterable of samples { image, label }, got ${describeInput(data)}`,
    );
  }
  for await (const sample of data) {
    const fits =
      isTensorData(sample) || (typeof sample === 'object' && sample !== null && 'image' in sample && 'label' in sample);
    if (!fits) {
      throw new FerError('DATA', 'a sample must be { image, label }');
    }
    yield sample;
  }
}

export function nothing(): FerError {
  return new FerError('DATA', 'the data has no samples');
}

/** Anything that is not a label is returned unchanged, and checked later. */
function moved(label: Sample['label'], places: readonly number[]): Sample['label'] {
  if (typeof label === 'number') return places[label] ?? label;
  if (label === null || typeof label !== 'object' || label.length !== places.length) return label;
  const row = new Float32Array(places.length);
  for (let c = 0; c < places.length; c++) row[places[c]] = label[c];
  return row;
}

function isDatasetLike(data: unknown): data is DatasetLike {
  const iterable =
    typeof data === 'object' && data !== null && !(Symbol.asyncIterator in data || Symbol.iterator in data);
  return iterable && readable('data', () => typeof (data as DatasetLike).iterator === 'function', 'DATA');
}

/**
 * One sample as a batch of one, with the same data. Its label may be a plain number or list, because tf.data converts labels to
 * tensors only when it makes batches.
 */
function batched({ xs, ys }: TensorData): TensorData {
  if (xs?.rank !== 3) return { xs, ys };
  const one = (data: () => Promise<unknown>, shape: readonly number[]) =>
    ({ rank: shape.length + 1, shape: [1, ...shape], data }) as unknown as tf.Tensor;
  const image = one(() => xs.data(), xs.shape);
  const label: unknown = ys;
  if (typeof label === 'number') return { xs: image, ys: one(async () => [label], []) };
  if (Array.isArray(label) || ArrayBuffer.isView(label)) {
    const row = Float32Array.from(label as ArrayLike<number>);
    return { xs: image, ys: one(async () => row, [row.length]) };
  }
  if (!Array.isArray(ys?.shape)) return { xs: image, ys };
  return { xs: image, ys: one(() => ys.data(), ys.shape) };
}

function emptyRows(capacity: number, spec: ModelSpec): LabelledRows {
  return {
    inputs: new Float32Array(capacity * spec.inputSize),
    labels: new Float32Array(capacity * spec.classes),
    count: 0,
  };
}
