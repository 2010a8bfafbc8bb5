import { readFile, writeFile } from 'node:fs/promises';
import type { Pretrained } from '../src/weights.js';
import { CORRUPTIONS } from './corruptions.js';
import type { CorruptionFigures, elsewhereFigures, Figures } from './figures.js';
import { goalRows } from './goals.js';

/** Contents of `pretrained.metrics`. */
export interface Metrics extends Figures {
  measuredOn: string;
  /** The same weights before they were stored in 8 bits. */
  float32: { accuracy: number; macroRecall: number };
  /** The same weights on faces of other kinds. */
  elsewhere: Record<string, ReturnType<typeof elsewhereFigures>>;
  corruptions: CorruptionFigures;
}

/** Identifies the weights that the figures describe. */
export type Identity = Pick<Pretrained, 'version' | 'sha256'>;

/** The tables of the model card; they hold only measured figures. */
export function cardTables(metrics: Metrics, { version, sha256 }: Identity): string {
  const { float32, classes, confusionMatrix, calibration, elsewhere, corruptions } = metrics;
  const names = Object.keys(classes);
  return [
    `**Version ${version} of the weights**, sha256 of \`weights.bin\`: \`${sha256}\`.`,
    'In code these are `pretrained.version` and `pretrained.sha256` of `fer-dcnn/weights`; `fer-dcnn summary` prints them too.',
    '',
    `Measured on ${metrics.measuredOn}; ${metrics.count.toLocaleString('en')} faces, one pass each, the shipped 8-bit weights.`,
    '',
    table(
      ['', 'accuracy', 'macro recall', 'macro F1', 'loss', 'calibration error (15 bins)'],
      [
        [
          '**shipped, uint8**',
          ...[metrics.accuracy, metrics.macroRecall, metrics.macroF1].map(percent),
          metrics.loss.toFixed(3),
          metrics.expectedCalibrationError.toFixed(3),
        ],
        ['before quantisation, float32', percent(float32.accuracy), percent(float32.macroRecall), '', '', ''],
      ],
    ),
    '',
    '### On other pictures',
    '',
    table(
      ['faces', '', 'accuracy', 'macro recall', ...names, 'calibration error'],
      Object.entries(elsewhere).map(([set, { count, accuracy, macroRecall, recalls, expectedCalibrationError }]) => [
        set,
        count.toLocaleString('en'),
        ...[accuracy, macroRecall, ...names.map((name) => recalls[name])].map(percent),
        expectedCalibrationError.toFixed(3),
      ]),
    ),
    '',
    'Recall by class. The class offsets were fitted on other people of the photos, and on the web faces themselves: the last',
    'row is a little better than it would be on new faces.',
    '',
    '### Goals',
    '',
    'What these weights were made for, and how far they got. A standard error says how much a figure would typically change',
    'with other faces of the same kind (1000 bootstrap resamples of the faces); a difference below two of them means nothing.',
    '',
    table(['goal', 'measured', 'standard error', 'met'], goalRows(metrics)),
    '',
    '### By class',
    '',
    table(
      ['class', 'precision', 'recall', 'specificity', 'F1', 'faces'],
      names.map((name) => {
        const { precision, recall, specificity, f1, support } = classes[name];
        return [name, ...[precision, recall, specificity, f1].map(percent), String(support)];
      }),
    ),
    '',
    '### Confusion matrix',
    '',
    'Rows are the truth, columns what the network says.',
    '',
    '![Confusion matrix, shares of each row](confusion-matrix.svg)',
    '',
    table(
      ['', ...names],
      confusionMatrix.map((row, i) => [`**${names[i]}**`, ...row.map(String)]),
    ),
    '',
    '### Calibration',
    '',
    '![How often it is right, by how sure it is](calibration.svg)',
    '',
    table(
      ['top probability', 'faces', 'mean probability', 'share right'],
      calibration.map(({ bin, count, confidence, accuracy }) => [
        bin,
        String(count),
        percent(confidence),
        percent(accuracy),
      ]),
    ),
    '',
    '### Under corruption',
    '',
    'The same faces, changed in the ways that pictures in the wild differ from the training crops: accuracy / macro recall.',
    '',
    table(
      ['corruption', 'mild', '', 'strong', ''],
      CORRUPTIONS.map(({ name, mild, strong }) => {
        const both = (strength: 'mild' | 'strong') => {
          const { accuracy, macroRecall } = corruptions[name][strength];
          return `${percent(accuracy)} / ${percent(macroRecall)}`;
        };
        return [name, mild, both('mild'), strong, both('strong')];
      }),
    ),
  ].join('\n');
}

/** Writes the tables into the model card. */
export async function writeCard(path: string, metrics: Metrics, identity: Identity): Promise<void> {
  await writeSection(path, 'weights/card.ts', cardTables(metrics, identity));
}

/** Replaces the text between the two marks that name the script. */
export async function writeSection(path: string, script: string, content: string): Promise<void> {
  const mark = `<!-- figures: written by ${script} -->`;
  const [before, , after] = (await readFile(path, 'utf8')).split(mark);
  if (after === undefined) throw new Error(`${path} does not have the mark ${mark} twice`);
  await writeFile(path, [before, `\n${content}\n`, after].join(mark));
}

/** A table in Markdown. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
