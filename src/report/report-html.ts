import type { Mistake } from '../folders/evaluate-folder.js';
import type { EvaluationReport } from '../tfjs/evaluate/metrics.js';
import { plotCalibration } from '../tfjs/evaluate/plot-calibration.js';
import { plotConfusionMatrix } from '../tfjs/evaluate/plot-confusion-matrix.js';
import type { VegaLiteSpec } from '../tfjs/evaluate/vega-lite-spec.js';
import { plotHistory } from '../tfjs/train/plot-history.js';
import type { TrainResult } from '../tfjs/train/train-history.js';
import { Html, html } from './html.js';
import { percent } from './percent.js';
import { renderPlot } from './render-plot.js';
import { reportConclusion } from './report-conclusion.js';
import { STYLE } from './report-style.js';
import { thumbnail } from './thumbnail.js';

/** The content of a report. */
export interface ReportContent {
  title: string;
  /** The data of the figures: "faces/test, 360 images". */
  measuredOn: string;
  evaluation: EvaluationReport;
  /** The result of `summary(model)`. */
  model: string;
  /** The result of `train`, if the model was just trained. */
  training?: TrainResult;
  /** Mistakes to show as pictures, read from their files and embedded in the page; without it, the section is left out. */
  mistakes?: readonly Mistake[];
  /** Settings, versions, counts: tables of names and values. */
  tables?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Writes a report as one HTML page with embedded charts and pictures, which needs no other file, no script and no network. It is
 * light or dark like the reader's system. Names of files and classes are escaped.
 *
 * @returns The text of the page.
 * @throws FerError `DATA` when the evaluation is empty.
 * @example
 * await writeFile('report.html', await reportHtml({ title: 'faces', measuredOn: 'faces/test', evaluation, model: summary(model) }));
 */
export async function reportHtml(content: ReportContent): Promise<string> {
  const { title, measuredOn, evaluation, model, training, mistakes, tables = {} } = content;
  const curves = training && (await curvesOf(training));
  // Each cell needs room for its number, so a matrix of many classes is wider than a small screen, and scrolls.
  const size = Math.max(320, CELL * evaluation.classes.length);
  const broad = size > 320;
  const counts = await chart(plotConfusionMatrix(evaluation, { size }), broad);
  const shares = await chart(plotConfusionMatrix(evaluation, { size, cells: 'shares' }), broad);
  const calibration = await chart(plotCalibration(evaluation, { size: 320 }));
  const pictures = mistakes && (await picturesOf(mistakes));

  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}: report</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="lead">Measured on ${measuredOn}</p>
${headline(evaluation)}
<section><h2>In words</h2>${reportConclusion(evaluation, training).map((text) => html`<p>${text}</p>`)}</section>
${curves && section('Curves', curves, 'Training figures are measured on augmented images and with dropout; validation has neither. The dashed line marks the epoch whose weights were kept.')}
${section('Confusion matrix', html`<div class="${broad ? 'stack' : 'pair'}">${figure(counts, 'Counts')}${figure(shares, 'Shares of each row, in percent')}</div>`, 'Rows are the labels of the images, columns are the predicted classes.')}
${section('Classes', classTable(evaluation))}
${section('Calibration', calibration, 'How often the model is right, by its probability. On the diagonal, answers with a probability of 80% are right in 80% of the cases.')}
${pictures && section('Most confident mistakes', pictures, mistakes?.length ? 'Some of them may be labelled wrongly.' : 'There are none.')}
${section('Model', html`<pre>${model}</pre>`)}
${Object.entries(tables).map(([name, rows]) => section(name, valueTable(rows)))}
</main>
</body>
</html>
`;
  return page.text;
}

/** Smallest cell of the matrix, in pixels: room for three digits. */
const CELL = 22;

/** Loss and accuracy side by side, one below the other on a narrow screen. */
async function curvesOf({ history, best }: TrainResult): Promise<Html> {
  const { hconcat, ...shared } = plotHistory(history, { bestEpoch: best.epoch, width: 350, height: 240 });
  const charts = await Promise.all(
    (hconcat as object[]).map((one, i) =>
      chart({ ...shared, hconcat: [one], description: `${i === 0 ? 'Loss' : 'Accuracy'} by epoch` }),
    ),
  );
  return html`<div class="pair">${charts}</div>`;
}

function section(name: string, body: Html, note?: string): Html {
  return html`<section><h2>${name}</h2>${note === undefined ? undefined : html`<p class="note">${note}</p>`}${body}</section>`;
}

function figure(body: Html, caption: string): Html {
  return html`<figure>${body}<figcaption>${caption}</figcaption></figure>`;
}

/** A chart as two pictures, for a light and a dark page. Pictures, because the ids of several SVGs in one page would clash. */
async function chart(spec: VegaLiteSpec, broad = false): Promise<Html> {
  const [light, dark] = await Promise.all(
    (['light', 'dark'] as const).map(async (theme) => {
      const svg = await renderPlot(spec, { theme, background: 'transparent' });
      return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
    }),
  );
  const kind = broad ? 'chart broad' : 'chart';
  const picture = html`<picture><source media="(prefers-color-scheme: dark)" srcset="${dark}"><img class="${kind}" src="${light}" alt="${spec.description}"></picture>`;
  return broad ? html`<div class="wide">${picture}</div>` : picture;
}

function headline({ accuracy, macroRecall, macroF1, loss, expectedCalibrationError, count }: EvaluationReport): Html {
  const tiles: [string, string][] = [
    ['accuracy', percent(accuracy)],
    ['macro recall', percent(macroRecall)],
    ['macro F1', percent(macroF1)],
    ['loss', loss.toFixed(3)],
    ['calibration error', expectedCalibrationError.toFixed(3)],
    ['images', count.toLocaleString('en')],
  ];
  return html`<dl class="tiles">${tiles.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function classTable({ classes }: EvaluationReport): Html {
  const rows = classes.map(
    ({ className, precision, recall, specificity, f1, support }) =>
      html`<tr><th scope="row">${className}</th>${[precision, recall, specificity, f1].map((share) => html`<td>${percent(share)}</td>`)}<td>${support.toLocaleString('en')}</td></tr>`,
  );
  const head = ['class', 'precision', 'recall', 'specificity', 'F1', 'images'];
  return html`<div class="wide"><table class="figures"><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function valueTable(rows: Readonly<Record<string, string>>): Html {
  const lines = Object.entries(rows).map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  );
  return html`<div class="wide"><table><tbody>${lines}</tbody></table></div>`;
}

async function picturesOf(mistakes: readonly Mistake[]): Promise<Html> {
  const figures = await Promise.all(
    mistakes.map(async ({ file, truth, said, probability }) => {
      // If a file is missing, the text is still shown.
      const source = await thumbnail(file, 112).catch(() => null);
      const image = source === null ? html`<span class="gone">no picture</span>` : html`<img src="${source}" alt="">`;
      return html`<figure title="${file}">${image}<figcaption><b>${said}</b> ${percent(probability)}<br>labelled ${truth}<br><small>${nameOf(file)}</small></figcaption></figure>`;
    }),
  );
  return html`<div class="mistakes">${figures}</div>`;
}

function nameOf(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file;
}
