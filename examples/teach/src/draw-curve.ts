import type { EpochDone } from './teaching-worker.js';

const HEIGHT = 180;
/** Space for the percentages on the left. */
const LEFT = 48;
const TOP = 24;
const BOTTOM = 26;
/** On less than this, as on a phone, the lines' names are above them and not at their ends. */
const WIDE = 480;

/**
 * Draws the share of correct answers after each epoch: one line for the held-out faces, one for the training faces.
 *
 * @param width - Width of the drawing in CSS pixels: text keeps its size on a phone.
 * @param kept - The round (epoch) whose weights were kept, from 1; null while the training runs.
 */
export function drawCurve(epochs: readonly EpochDone[], width: number, kept: number | null): SVGElement {
  const last = epochs.at(-1)!;
  const told = epochs.find(({ epoch }) => epoch === kept) ?? last;
  const right = width - (width < WIDE ? 8 : 120);
  const x = (epoch: number) => LEFT + ((right - LEFT) * (epoch - 1)) / Math.max(1, last.epochs - 1);
  const y = (share: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const percent = (share: number) => `${Math.round(100 * share)}%`;

  const label =
    `After ${last.epoch} of ${last.epochs} rounds, ${percent(told.heldOut)} of the faces kept aside are right` +
    (kept === null ? '' : `, with the weights of round ${kept}, which are kept`);
  const root = svg('svg', { class: 'curve', viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': label });
  for (const share of [0, 0.5, 1]) {
    root.append(svg('line', { class: 'grid', x1: LEFT, x2: right, y1: y(share), y2: y(share) }));
    root.append(svg('text', { x: LEFT - 8, y: y(share) + 4, 'text-anchor': 'end' }, percent(share)));
  }
  root.append(svg('text', { x: LEFT, y: HEIGHT - 6 }, `round 1`));
  root.append(
    svg(
      'text',
      { x: right, y: HEIGHT - 6, 'text-anchor': 'end' },
      kept === null ? `${last.epochs}` : `${last.epochs}, kept: ${kept}`,
    ),
  );
  const line = (className: string, points: readonly (readonly [number, number])[]) =>
    svg('polyline', { class: className, points: points.map((point) => point.join()).join(' ') });
  const lineOf = (className: string, key: 'taught' | 'heldOut') => {
    const points = epochs.map((at) => [x(at.epoch), y(at[key])] as const);
    // One point alone would not be drawn.
    return line(className, points.length > 1 ? points : [...points, [points[0][0] + 0.1, points[0][1]]]);
  };
  root.append(lineOf('taught', 'taught'), lineOf('held-out', 'heldOut'));

  if (kept !== null) root.append(svg('circle', { class: 'kept', cx: x(kept), cy: y(told.heldOut), r: 4.5 }));

  const named = kept === null ? `kept aside ${percent(last.heldOut)}` : 'kept aside';
  const taught = kept === null ? `taught ${percent(last.taught)}` : 'taught';
  if (width < WIDE) {
    for (const [className, text, left] of [
      ['held-out', named, LEFT],
      ['taught', taught, (LEFT + right) / 2 + 10],
    ] as const) {
      const sample = [
        [left, 6],
        [left + 20, 6],
      ] as const;
      root.append(line(className, sample), svg('text', { class: 'name', x: left + 26, y: 10 }, text));
    }
    return root;
  }

  // Names at the ends of the lines, moved apart where the lines meet.
  const apart = last.heldOut >= last.taught ? 1 : -1;
  const gap = Math.max(0, 16 - Math.abs(y(last.heldOut) - y(last.taught))) / 2;
  const nameAt = (share: number, shift: number) => ({ x: x(last.epoch) + 8, y: y(share) + 4 + shift });
  root.append(svg('text', { class: 'name', ...nameAt(last.heldOut, -apart * gap) }, named));
  root.append(svg('text', nameAt(last.taught, apart * gap), taught));
  return root;
}

function svg(name: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}
