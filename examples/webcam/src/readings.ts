import { EMOTIONS } from 'fer-dcnn';
import { byId, element } from '../../page-parts/elements.js';
import type { ShownFace } from './shown-face.js';

/** How much of the past the lines show, ms. */
const SPAN = 20_000;

/** Five bars and five lines through time, of one face at a time, and the choice of that face. */
export function createReadings() {
  const rows = EMOTIONS.map((emotion) => {
    const percent = element('span', {}, '–');
    const level = element('span');
    const bar = element('div', { class: 'bar', role: 'meter', 'aria-label': emotion }, level);
    for (const [name, value] of [
      ['valuemin', '0'],
      ['valuemax', '100'],
      ['valuenow', '0'],
    ]) {
      bar.setAttribute(`aria-${name}`, value);
    }
    const line = element('canvas', { 'aria-hidden': 'true' });
    const root = element('li', {}, element('span', { class: 'name' }, emotion), percent, bar, line);
    return { emotion, root, percent, level, bar, line };
  });
  byId('readings').replaceChildren(...rows.map(({ root }) => root));

  /** By face, in order of time: ms, then five probabilities. */
  let past = new Map<number, number[][]>();
  let chosen: number | null = null;

  function showChoice(faces: readonly ShownFace[]): void {
    const choice = byId('faces');
    choice.hidden = faces.length < 2;
    const ids = faces.map(({ id }) => id).join();
    if (choice.dataset.ids === ids) return;
    choice.dataset.ids = ids;
    for (const old of choice.querySelectorAll('label')) old.remove();
    for (const { id } of faces) {
      const radio = element('input', { type: 'radio', name: 'face', id: `face-${id}` });
      radio.checked = id === chosen;
      radio.addEventListener('change', () => {
        chosen = id;
        choice.dispatchEvent(new CustomEvent('choose'));
      });
      choice.append(element('label', { for: `face-${id}` }, radio, `Face ${id}`));
    }
  }

  return {
    /** Forgets all, for another source. */
    clear(options: { lines: boolean }): void {
      past = new Map();
      chosen = null;
      byId('readings').classList.toggle('still', !options.lines);
      byId('span').hidden = !options.lines;
      for (const { line } of rows) line.hidden = !options.lines;
      this.show([], 0);
    },

    /** Shows the faces of one moment; time is in ms. */
    show(faces: readonly ShownFace[], time: number): void {
      if (!faces.some(({ id }) => id === chosen)) chosen = biggest(faces)?.id ?? chosen;
      showChoice(faces);
      for (const { id, predictions } of faces) {
        const at = past.get(id) ?? [];
        at.push([
          time,
          ...EMOTIONS.map((name) => predictions.find(({ className }) => className === name)?.probability ?? 0),
        ]);
        while (at[0][0] < time - SPAN) at.shift();
        past.set(id, at);
      }

      const face = faces.find(({ id }) => id === chosen);
      const points = chosen === null ? [] : (past.get(chosen) ?? []);
      for (const [i, { emotion, root, percent, level, bar, line }] of rows.entries()) {
        const share = face?.predictions.find(({ className }) => className === emotion)?.probability;
        const whole = Math.round(100 * (share ?? 0));
        percent.textContent = share === undefined ? '–' : `${whole} %`;
        level.style.width = `${100 * (share ?? 0)}%`;
        bar.setAttribute('aria-valuenow', `${whole}`);
        bar.setAttribute('aria-valuetext', share === undefined ? 'no face' : `${whole} percent`);
        root.classList.toggle('steady', face?.emotion === emotion);
        drawLine(line, points, i + 1, time);
      }
    },
  };
}

function biggest(faces: readonly ShownFace[]): ShownFace | undefined {
  const areaOf = ({ box }: ShownFace) => box.width * box.height;
  return [...faces].sort((a, b) => areaOf(b) - areaOf(a))[0];
}

function drawLine(canvas: HTMLCanvasElement, points: readonly number[][], column: number, now: number): void {
  if (canvas.hidden) return;
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d')!;
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  const x = (time: number) => width * (1 - (now - time) / SPAN);
  const y = (share: number) => height - (height - 2) * share;
  // An area a stretch without a gap: where the face was gone, there is nothing.
  let from = 0;
  for (let i = 1; i <= points.length; i++) {
    if (i < points.length && points[i][0] - points[i - 1][0] < 1500) continue;
    const stretch = points.slice(from, i);
    from = i;
    context.beginPath();
    context.moveTo(x(stretch[0][0]), height);
    for (const point of stretch) context.lineTo(x(point[0]), y(point[column]));
    context.lineTo(x(stretch.at(-1)![0]), height);
    context.fill();
  }
}
