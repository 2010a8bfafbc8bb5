import { classLooks } from '../../page-parts/class-look.js';
import { classMark } from '../../page-parts/class-mark.js';
import { byId, element } from '../../page-parts/elements.js';
import type { Look, Outcome } from './teaching-worker.js';

/** Table rows with the answers of the network before and after the training to each camera frame. */
export function liveComparison({ classes, before }: Pick<Outcome, 'classes' | 'before'>) {
  const looks = classLooks(classes);
  const rows = classes.map((name) => {
    const look = looks.get(name)!;
    const cells = (before === null ? ['after'] : ['before', 'after']).map((className) => {
      const number = element('span', {}, '–');
      const bar = element('span');
      bar.style.setProperty('--class', look.color);
      const cell = element(
        'td',
        { class: className },
        number,
        element('div', { class: 'bar', 'aria-hidden': 'true' }, bar),
      );
      return { cell, number, bar, share: 0 };
    });
    const root = element('tr', {}, element('th', { scope: 'row' }, classMark(name, look), name));
    root.append(...cells.map(({ cell }) => cell));
    return { name, root, cells };
  });
  byId('try-rows').replaceChildren(...rows.map(({ root }) => root));

  return {
    /** Shows a frame; smoothed, so that figures can be read. Without a face, or when the camera is off, there are no figures. */
    show(look: Pick<Look, 'before' | 'after'>): void {
      const lists = before === null ? [look.after] : [look.before, look.after];
      for (const { name, cells } of rows) {
        for (const [i, cell] of cells.entries()) {
          const seen = (lists[i] as Look['after'])?.find(({ className }) => className === name)?.probability;
          cell.share = seen === undefined ? 0 : cell.share + 0.25 * (seen - cell.share);
          const text = seen === undefined ? '–' : `${Math.round(100 * cell.share)}%`;
          if (cell.number.textContent !== text) cell.number.textContent = text;
          cell.bar.style.width = `${100 * cell.share}%`;
        }
      }
      for (const i of rows[0].cells.keys()) {
        const top = Math.max(...rows.map(({ cells }) => cells[i].share));
        for (const { cells } of rows) cells[i].cell.classList.toggle('top', top > 0 && cells[i].share === top);
      }
    },
  };
}
