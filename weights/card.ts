import { readFile, writeFile } from 'node:fs/promises';
import { CORRUPTIONS } from './corruptions.js';
import type { CorruptionFigures, elsewhereFigures, Figures } from './figures.js';

/** What `pretrained.metrics` holds. */
export interface Metrics extends Figures {
  measuredOn: string;
  /** The same weights before they were stored in 8 bits. */
  float32: { accuracy: number; macroRecall: number };
  /** The same weights on faces of other kinds. */
  elsewhere: Record<string, ReturnType<typeof elsewhereFigures>>;
  corruptions: CorruptionFigures;
}

/** The tables of the model card: nothing in them but what was measured. */
export function cardTables(metrics: Metrics): string {
  const { float32, classes, confusionMatrix, calibration, elsewhere, corruptions } = metrics;
  const names = Object.keys(classes);
  return [
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
    'Recall by class. The offsets of the classes were fitted to other persons of the photos, and to the web faces themselves:',
    'the last row flatters a little.',
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
    'The same faces, changed as faces in the wild differ from the training crops: accuracy / macro recall.',
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

/** Puts the tables into the model card, between its two marks. */
export async function writeCard(path: string, metrics: Metrics): Promise<void> {
  const card = await readFile(path, 'utf8');
  const [before, , after] = card.split(MARK);
  if (after === undefined) throw new Error(`${path} has no two marks ${MARK}`);
  await writeFile(path, [before, `\n${cardTables(metrics)}\n`, after].join(MARK));
}

const MARK = '<!-- figures: written by weights/card.ts -->';

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
