import type { EpochDone } from './teaching-worker.js';

const HEIGHT = 180;
/** Space for the percentages on the left and for the names of the lines on the right. */
const LEFT = 44;
const RIGHT = 120;
const TOP = 24;
const BOTTOM = 26;

/**
 * Draws the share of correct answers after each epoch: one line for the held-out faces, one for the training faces.
 *
 * @param width - Width of the drawing in CSS pixels: text keeps its size on a phone.
 * @param kept - The round (epoch) whose weights were kept, from 1; null while the training runs.
 */
export function drawCurve(epochs: readonly EpochDone[], width: number, kept: number | null): SVGElement {
  const last = epochs.at(-1)!;
  const told = epochs.find(({ epoch }) => epoch === kept) ?? last;
  const x = (epoch: number) => LEFT + ((width - LEFT - RIGHT) * (epoch - 1)) / Math.max(1, last.epochs - 1);
  const y = (share: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const percent = (share: number) => `${Math.round(100 * share)} %`;

  const label =
    `Faces it gets right after ${last.epoch} of ${last.epochs} rounds: ${percent(told.heldOut)} of those kept aside` +
    (kept === null ? '' : `, by the weights of round ${kept}, which are kept`);
  const root = svg('svg', { class: 'curve', viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': label });
  for (const share of [0, 0.5, 1]) {
    root.append(svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(share), y2: y(share) }));
    root.append(svg('text', { x: LEFT - 8, y: y(share) + 4, 'text-anchor': 'end' }, percent(share)));
  }
  root.append(svg('text', { x: LEFT, y: HEIGHT - 6 }, `round 1`));
  root.append(
    svg(
      'text',
      { x: width - RIGHT, y: HEIGHT - 6, 'text-anchor': 'end' },
      kept === null ? `${last.epochs}` : `${last.epochs}, kept: ${kept}`,
    ),
  );
  const line = (className: string, key: 'taught' | 'heldOut') =>
    svg('polyline', { class: className, points: epochs.map((at) => `${x(at.epoch)},${y(at[key])}`).join(' ') });
  root.append(line('taught', 'taught'), line('held-out', 'heldOut'));

  if (kept !== null) root.append(svg('circle', { class: 'kept', cx: x(kept), cy: y(told.heldOut), r: 4.5 }));

  // Names at the ends of the lines, moved apart where the lines meet.
  const apart = last.heldOut >= last.taught ? 1 : -1;
  const gap = Math.max(0, 16 - Math.abs(y(last.heldOut) - y(last.taught))) / 2;
  const named = kept === null ? `kept aside ${percent(last.heldOut)}` : 'kept aside';
  const nameAt = (share: number, shift: number) => ({ x: x(last.epoch) + 8, y: y(share) + 4 + shift });
  root.append(svg('text', { class: 'name', ...nameAt(last.heldOut, -apart * gap) }, named));
  root.append(
    svg('text', nameAt(last.taught, apart * gap), kept === null ? `taught ${percent(last.taught)}` : 'taught'),
  );
  return root;
}

function svg(name: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}
