import { byId, element } from '../../page-parts/elements.js';
import type { Album, AlbumFace } from './album.js';
import { markOf } from './mark-of.js';

/**
 * Shows the selected faces: one face with all predictions, or their number; and the buttons for labels.
 *
 * @param onLabel - A label was pressed; null is "take mine back".
 */
export function showChosen(album: Album, chosen: readonly AlbumFace[], onLabel: (label: string | null) => void): void {
  const one = chosen.length === 1 ? chosen[0] : null;
  byId('inspector-title').textContent =
    chosen.length === 0 ? 'Choose a face' : one ? nameOf(one) : `${chosen.length} faces`;
  byId('inspector-hint').hidden = chosen.length > 0;
  byId('inspected').hidden = one === null;
  if (one) {
    byId<HTMLImageElement>('portrait').src = one.address;
    byId('readings').replaceChildren(
      ...one.predictions.map(({ className, probability }) => reading(className, probability, markOf(className, album))),
    );
  }

  const group = byId('label-as');
  group.hidden = chosen.length === 0;
  const focused = group.contains(document.activeElement) ? document.activeElement!.textContent : null;
  const labels = new Set(chosen.map((face) => album.labelOf(face)));
  const buttons = album.labels.map((label, i) => {
    const key = i < 9 ? [element('kbd', { 'aria-hidden': 'true' }, `${i + 1}`)] : [];
    const pressed = labels.size === 1 && labels.has(label);
    const button = element(
      'button',
      { type: 'button', class: 'label', 'aria-pressed': String(pressed) },
      label,
      ...key,
    );
    button.addEventListener('click', () => onLabel(label));
    return button;
  });
  const back = element('button', { type: 'button', class: 'label back' }, 'Remove my label');
  back.addEventListener('click', () => onLabel(null));
  back.disabled = chosen.every(({ mine }) => mine === null);
  group.replaceChildren(...buttons, back);
  // The buttons are new: keep the keyboard focus on the pressed one.
  if (focused !== null) [...buttons, back].find(({ textContent }) => textContent === focused)?.focus();
}

function nameOf({ path, number }: AlbumFace): string {
  const file = path.split('/').at(-1)!;
  return number > 1 ? `${file}, face ${number}` : file;
}

function reading(name: string, share: number, mark: HTMLElement): HTMLLIElement {
  const bar = element('span');
  bar.style.width = `${100 * share}%`;
  return element(
    'li',
    {},
    element('span', { class: 'word' }, mark, name),
    element('span', { class: 'number' }, `${Math.round(100 * share)}%`),
    element('div', { class: 'bar', 'aria-hidden': 'true' }, bar),
  );
}
