import type { EvaluationReport } from 'fer-dcnn';
import { byId, element } from '../../page-parts/elements.js';
import { saveFile } from '../../page-parts/save-file.js';
import type { Outcome } from './teaching-worker.js';
import { verdictOf } from './verdict-of.js';

/** Shows correct answers on the held-out faces before and after the training, and offers the model's two files. */
export function showComparison({ before, after, files }: Outcome): void {
  const { text, warnings } = verdictOf(before, after);
  byId('verdict').textContent = text;
  byId('warnings').hidden = warnings.length === 0;
  byId('warnings').replaceChildren(...warnings.map((warning) => element('li', {}, warning)));

  byId('result').classList.toggle('no-before', before === null);
  const rightOf = (report: EvaluationReport | null, label: number) => report?.confusionMatrix[label][label] ?? null;
  const all = (report: EvaluationReport | null) =>
    report?.confusionMatrix.reduce((sum, row, i) => sum + row[i], 0) ?? null;
  const rows = after.classes.flatMap(({ className, support }, i) =>
    support === 0 ? [] : [row(className, support, rightOf(before, i), rightOf(after, i))],
  );
  byId('comparison').replaceChildren(...rows, row('all', after.count, all(before), all(after)));

  byId('model-json').onclick = () => saveFile('model.json', new Blob([files.json], { type: 'application/json' }));
  byId('weights-bin').onclick = () => saveFile('weights.bin', new Blob([files.weights]));
  byId('result').hidden = false;
}

function row(name: string, count: number, before: number | null, after: number | null): HTMLTableRowElement {
  const cell = (right: number | null, className: string) => {
    const bar = element('span');
    bar.style.width = `${(100 * (right ?? 0)) / count}%`;
    return element(
      'td',
      { class: className },
      `${right}`,
      element('div', { class: 'bar', 'aria-hidden': 'true' }, bar),
    );
  };
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', { class: 'number' }, `${count}`),
    ...(before === null ? [] : [cell(before, 'before')]),
    cell(after, 'after'),
  );
}
