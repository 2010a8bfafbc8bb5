import { placesByName } from '../class-names.js';
import { evaluateFolder } from '../folders/evaluate-folder.js';
import { type EvaluationReport, summary, useBackend } from '../index.js';
import { writeFileWhole } from '../platform/node/write-file.js';
import { percent } from '../report/percent.js';
import { reportHtml } from '../report/report-html.js';
import { classNamesOf } from '../tfjs/model/model-spec.js';
import { type DataFlags, openFolder } from './data-folders.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { tellLeftOut } from './left-out.js';
import { openModel } from './open-model.js';
import { startProgress } from './progress.js';
import { environment } from './run-folder.js';

export interface EvaluateFlags extends DataFlags {
  model?: string;
  backend?: 'simd' | 'wasm' | 'cpu';
  report?: string;
  images: boolean;
  json?: true;
}

/** What `fer-dcnn evaluate` does. Apart from its options, so that `--help` and wrong usage do not load TF.js. */
export async function runEvaluate(signal: AbortSignal, dir: string, flags: EvaluateFlags): Promise<ExitCode> {
  const { backend = 'wasm', report: reportFile, images, json, quiet } = flags;
  await useBackend(backend);
  const model = await openModel(flags.model);
  const folder = await openFolder(dir, flags);
  placesByName(folder.classes, classNamesOf(model), [dir, 'the model']);
  tellLeftOut(folder, dir, quiet);
  const progress = startProgress({ label: 'measuring', total: folder.length, unit: 'images', quiet });
  const { report, mistakes } = await evaluateFolder(model, folder, {
    signal,
    onImage: () => progress.advance(),
  }).finally(() => progress.end());

  if (reportFile !== undefined) {
    const page = await reportHtml({
      title: flags.model ?? 'The pretrained weights',
      measuredOn: dir,
      evaluation: report,
      model: summary(model),
      mistakes: images ? mistakes : undefined,
      tables: { Versions: environment(backend) },
    });
    await writeFileWhole(reportFile, page);
  }
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  model.dispose();
  return EXIT.ok;
}

function text(report: EvaluationReport): string {
  const { count, accuracy, macroRecall, macroF1, loss, expectedCalibrationError, classes, confusionMatrix } = report;
  const names = classes.map(({ className }) => className);
  const figures = [
    ['images', count.toLocaleString('en')],
    ['accuracy', percent(accuracy)],
    ['macro recall', percent(macroRecall)],
    ['macro F1', percent(macroF1)],
    ['loss', loss.toFixed(3)],
    ['calibration error', expectedCalibrationError.toFixed(3)],
  ];
  const perClass = classes.map(({ className, precision, recall, f1, support }) => [
    className,
    ...[precision, recall, f1].map(percent),
    String(support),
  ]);
  return [
    table(figures),
    table([['class', 'precision', 'recall', 'F1', 'images'], ...perClass]),
    'Confusion matrix: rows are the truth, columns what the model says',
    table([['', ...names], ...confusionMatrix.map((row, c) => [names[c], ...row.map(String)])]),
  ].join('\n');
}

/** Lines of columns: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
