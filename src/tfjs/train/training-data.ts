import { throwIfAborted } from '../../abort.js';
import { FerError } from '../../errors.js';
import type { Normalization } from '../../image/normalize.js';
import type { Raster } from '../../image/pixels.js';
import { wholeToInput } from '../../image/pixels-to-input.js';
import { resample } from '../../image/resample.js';
import type { Sample } from '../../image/sample.js';
import {
  isTensorData,
  type LabelledData,
  type LabelledRows,
  labelledBatches,
  nothing,
  readSamples,
  tensorRows,
  writeLabel,
} from '../evaluate/labelled-data.js';
import { indexOfLargest } from '../evaluate/metrics.js';
import { type ModelSpec, sampleChannels } from '../model/model-spec.js';
import { augment } from './augment.js';
import type { AugmentOptions } from './augment-options.js';
import type { Levels } from './degrade.js';

/** Samples in memory, as plain arrays that worker threads can share. */
export interface StoredSamples {
  /** Network inputs, or 8-bit levels (luma or RGB) that are augmented and normalized when a sample is read. */
  data: Float32Array | Uint8Array;
  /** Start of each sample in `data`, and the end of the last, [count + 1]. */
  starts: Float64Array;
  /** Width and height of each sample, [2 * count]. */
  sizes: Uint16Array;
  /** Probabilities, [count,classes]. */
  labels: Float32Array;
  /** Probabilities of fixed augmented views, [count,views,classes]; empty if views are not fixed. */
  viewLabels?: Float32Array;
}

/** How stored samples become inputs. */
export interface TakeOptions {
  spec: ModelSpec;
  normalization: Normalization;
  /** If absent, samples are used unchanged. */
  augmentation: AugmentOptions | null;
}

/** Training data: read once, kept in memory, augmented again each time a sample is read. */
export class TrainingData {
  readonly count: number;
  /** Probabilities, [count,classes]. */
  readonly labels: Float32Array;
  /** The most probable class of each sample. */
  readonly truth: Uint16Array;
  readonly stored: StoredSamples;
  readonly options: TakeOptions;
  /** Fixed augmented views of each sample; 0 if each epoch augments again. */
  readonly views: number;
  #source = new Float32Array(0);
  #changed = new Float32Array(0);

  constructor(stored: StoredSamples, options: TakeOptions) {
    const { classes } = options.spec;
    this.stored = stored;
    this.options = options;
    this.labels = stored.labels;
    this.count = stored.labels.length / classes;
    this.views = (stored.viewLabels?.length ?? 0) / stored.labels.length;
    this.truth = Uint16Array.from({ length: this.count }, (_, i) =>
      indexOfLargest(stored.labels, i * classes, classes),
    );
  }

  /** The label of sample `index` in an epoch (from 1): probabilities, [classes]. */
  labelOf(index: number, epoch: number): Float32Array {
    const { classes } = this.options.spec;
    const labels = this.views === 0 ? this.labels : this.stored.viewLabels!;
    const row = this.views === 0 ? index : index * this.views + this.viewOf(epoch);
    return labels.subarray(row * classes, (row + 1) * classes);
  }

  /** Index of the view in an epoch (from 1). */
  viewOf(epoch: number): number {
    return (epoch - 1) % this.views;
  }

  /**
   * Writes sample `index` as an input of the model at `out[offset...]`.
   *
   * @param random - Random numbers for the augmentation.
   */
  take(index: number, out: Float32Array, offset: number, random: () => number): void {
    const { spec, normalization, augmentation } = this.options;
    const { data, starts, sizes } = this.stored;
    const stored = data.subarray(starts[index], starts[index + 1]);
    const [width, height] = sizes.subarray(2 * index, 2 * index + 2);
    if (stored instanceof Float32Array) {
      if (augmentation === null) out.set(stored, offset);
      else {
        const levels: Levels = { data: stored, width, height, channels: spec.channels };
        augment(levels, 1, augmentation, random, out.subarray(offset, offset + spec.inputSize));
      }
      return;
    }

    if (this.#source.length !== stored.length) {
      this.#source = new Float32Array(stored.length);
      this.#changed = new Float32Array(stored.length);
    }
    this.#source.set(stored);
    const channels = spec.channels as 1 | 3;
    augment({ data: this.#source, width, height, channels }, 255, augmentation ?? {}, random, this.#changed);
    const image = { data: this.#changed, width, height, channels };
    out.set(wholeToInput(image, { width: spec.width, height: spec.height, channels }, normalization), offset);
  }
}

/**
 * Reads all data. Images that will be augmented are kept as 8-bit levels at 1.5 times the model's input (2.3 KB per face of
 * 48x48), others as network inputs (4 KB per face).
 *
 * @throws FerError as {@link labelledBatches}; `ABORTED`.
 */
export async function readTrainingData(
  data: LabelledData,
  options: TakeOptions,
  signal?: AbortSignal,
): Promise<TrainingData> {
  const { spec, normalization, augmentation } = options;
  if (isTensorData(data) || augmentation === null) {
    const { inputs, labels, count } = await allRows(data, spec, normalization, signal);
    const starts = Float64Array.from({ length: count + 1 }, (_, i) => i * spec.inputSize);
    const sizes = Uint16Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? spec.width : spec.height));
    return new TrainingData({ data: inputs, starts, sizes, labels }, options);
  }

  const faces: Uint8Array[] = [];
  const labels: Float32Array[] = [];
  const sizes: number[] = [];
  const views: Float32Array[] = [];
  const reduce = (pixels: Raster) => {
    // A small picture is kept unchanged.
    const width = Math.min(pixels.width, Math.ceil(1.5 * spec.width));
    const height = Math.min(pixels.height, Math.ceil(1.5 * spec.height));
    const levels = resample(pixels, { width, height, channels: sampleChannels(spec) });
    return { width, height, face: Uint8Array.from(levels, Math.round) };
  };
  for await (const read of readSamples(data, spec, reduce)) {
    throwIfAborted(signal, 'training');
    if ('rows' in read) {
      throw new FerError('OPTION', 'augment works on images only: leave it out for batches of tensors');
    }
    const { sample, row: stored } = read;
    const row = new Float32Array(spec.classes);
    writeLabel(sample.label, spec.classes, row, 0, sample.file ?? `sample ${faces.length}`);
    labels.push(row);
    views.push(viewLabelsOf(sample, spec.classes, faces.length));
    if (views[faces.length].length !== views[0].length) {
      const where = sample.file ?? `sample ${faces.length}`;
      const counts = [views[faces.length], views[0]].map(({ length }) => length / spec.classes);
      throw new FerError('DATA', `${where}: ${counts[0]} viewLabels, the first sample has ${counts[1]}`);
    }
    sizes.push(stored.width, stored.height);
    faces.push(stored.face);
  }
  if (faces.length === 0) throw nothing();

  const starts = new Float64Array(faces.length + 1);
  faces.forEach((face, i) => {
    starts[i + 1] = starts[i] + face.length;
  });
  const viewLabels = new Float32Array(views.length * views[0].length);
  views.forEach((rows, i) => {
    viewLabels.set(rows, i * rows.length);
  });
  const levels = new Uint8Array(starts[faces.length]);
  faces.forEach((face, i) => {
    levels.set(face, starts[i]);
  });
  const probabilities = new Float32Array(faces.length * spec.classes);
  labels.forEach((row, i) => {
    probabilities.set(row, i * spec.classes);
  });
  const stored = { data: levels, starts, sizes: Uint16Array.from(sizes), labels: probabilities, viewLabels };
  return new TrainingData(stored, options);
}

/** All rows of labelled data, normalized, in memory: for data that is read many times. */
export async function allRows(
  data: LabelledData,
  spec: ModelSpec,
  normalization: Normalization,
  signal?: AbortSignal,
): Promise<LabelledRows> {
  if (isTensorData(data)) return tensorRows(data, spec);
  const batches: LabelledRows[] = [];
  let count = 0;
  for await (const batch of labelledBatches(data, spec, normalization, 256)) {
    throwIfAborted(signal, 'training');
    batches.push(batch);
    count += batch.count;
  }
  const inputs = new Float32Array(count * spec.inputSize);
  const labels = new Float32Array(count * spec.classes);
  let row = 0;
  for (const batch of batches) {
    inputs.set(batch.inputs, row * spec.inputSize);
    labels.set(batch.labels, row * spec.classes);
    row += batch.count;
  }
  return { inputs, labels, count };
}

/** [views,classes] flattened. */
function viewLabelsOf({ viewLabels = [], file }: Sample, classes: number, index: number): Float32Array {
  const rows = new Float32Array(viewLabels.length * classes);
  viewLabels.forEach((label, view) => {
    writeLabel(label, classes, rows, view, `view ${view} of ${file ?? `sample ${index}`}`);
  });
  return rows;
}
