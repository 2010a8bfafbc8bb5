import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkIsModel } from '../../classify/layers-model-like.js';

/**
 * Formats a model as the table that Keras users know: one line per layer with its type, output shape and parameter count.
 *
 * @returns The table as text, lines separated by `\n`.
 * @throws FerError `MODEL` when `model` is not a Layers model.
 * @example
 * console.log(summary(buildModel()));
 */
export function summary(model: LayersModel): string {
  checkIsModel(model);
  const rows = model.layers.map((layer) => [
    `${layer.name} (${layer.getClassName()})`,
    shapeText(layer.outputShape),
    layer.countParams().toLocaleString('en'),
  ]);
  const head = ['Layer (type)', 'Output shape', 'Param #'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (row: string[]) =>
    `${row[0].padEnd(widths[0])}  ${row[1].padEnd(widths[1])}  ${row[2].padStart(widths[2])}`;
  const rule = (mark: string) => mark.repeat(widths[0] + widths[1] + widths[2] + 4);

  const total = model.countParams();
  const trainable = countParameters(model.trainableWeights);
  return [
    `Model: "${model.name}"`,
    rule('_'),
    line(head),
    rule('='),
    ...rows.map(line),
    rule('='),
    `Total params: ${total.toLocaleString('en')}`,
    `Trainable params: ${trainable.toLocaleString('en')}`,
    `Non-trainable params: ${(total - trainable).toLocaleString('en')}`,
  ].join('\n');
}

type Shape = (number | null)[];

function shapeText(shape: Shape | Shape[]): string {
  if (Array.isArray(shape[0])) return (shape as Shape[]).map(shapeText).join(', ');
  return `[${(shape as Shape).map((size) => size ?? 'n').join(',')}]`;
}

function countParameters(weights: LayersModel['trainableWeights']): number {
  return weights.reduce((sum, weight) => sum + weight.shape.reduce<number>((size, axis) => size * (axis ?? 1), 1), 0);
}
