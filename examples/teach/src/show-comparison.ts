import type { EvaluationReport } from 'fer-dcnn';
import { byId, element } from '../../page-parts/elements.js';
import { saveFile } from '../../page-parts/save-file.js';
import type { Outcome } from './teaching-worker.js';

/** Shows what the training changed on the faces that were kept aside, and offers the model's two files. */
export function showComparison({ before, after, files }: Outcome): void {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const verdict = after.accuracy > before.accuracy ? 'up from' : after.accuracy < before.accuracy ? 'down from' : 'as';
  byId('verdict').textContent =
    `Of the ${after.count} faces kept aside it now gets ${percent(after.accuracy)} right, ` +
    `${verdict} ${percent(before.accuracy)} before.`;

  const rows = after.classes.flatMap(({ className, support }, i) =>
    support === 0 ? [] : [row(className, support, rightOf(before, i), rightOf(after, i))],
  );
  const all = (report: EvaluationReport) => report.classes.reduce((sum, _, i) => sum + rightOf(report, i), 0);
  byId('comparison').replaceChildren(...rows, row('all', after.count, all(before), all(after)));

  byId('model-json').onclick = () => saveFile('model.json', new Blob([files.json], { type: 'application/json' }));
  byId('weights-bin').onclick = () => saveFile('weights.bin', new Blob([files.weights]));
  byId('result').hidden = false;
}

function rightOf({ confusionMatrix }: EvaluationReport, label: number): number {
  return confusionMatrix[label][label];
}

function row(name: string, count: number, before: number, after: number): HTMLTableRowElement {
  const cells = [before, after].map((right) => {
    const bar = element('span');
    bar.style.width = `${(100 * right) / count}%`;
    return element('td', {}, `${right}`, element('div', { class: 'bar', 'aria-hidden': 'true' }, bar));
  });
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', { class: 'number' }, `${count}`),
    ...cells,
  );
}
