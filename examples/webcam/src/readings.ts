import { EMOTIONS, type Emotion } from 'fer-dcnn/lite';
import { classMark } from '../../page-parts/class-mark.js';
import { byId, element } from '../../page-parts/elements.js';
import { LOOKS } from './meanings.js';
import type { ShownFace } from './shown-face.js';

/** Time span of the lines, ms. */
const SPAN = 20_000;
/** Figures and lines change at most this often, ms: nobody reads faster. */
const LEAST_MS_BETWEEN_PAINTS = 100;
/** Points of a line are at least this far apart, ms: closer ones would be on the same pixel. */
const LEAST_MS_BETWEEN_POINTS = 40;

/** Five rows about one face: lines over time for a video, bars for a picture; and the choice of the face. */
export function createReadings(onChoose: () => void) {
  const rows = EMOTIONS.map((emotion) => {
    const percent = element('span', { class: 'percent' }, '–');
    const bar = element('span', { class: 'level' });
    const line = element('canvas');
    const graph = element('div', { class: 'graph', role: 'meter', 'aria-label': emotion }, line, bar);
    for (const [name, value] of [
      ['valuemin', '0'],
      ['valuemax', '100'],
      ['valuenow', '0'],
    ]) {
      graph.setAttribute(`aria-${name}`, value);
    }
    const look = LOOKS.get(emotion)!;
    graph.style.setProperty('--class', look.color);
    const name = element('span', { class: 'name' }, emotion);
    const root = element('li', {}, classMark(emotion, look), name, graph, percent);
    return { emotion, root, percent, graph, bar, line };
  });
  byId('readings').replaceChildren(...rows.map(({ root }) => root));

  /** By face, in order of time: ms, then five probabilities. */
  let past = new Map<number, number[][]>();
  let chosen: number | null = null;
  let shown: readonly ShownFace[] = [];
  let now = 0;
  let painted = Number.NEGATIVE_INFINITY;

  function showChoice(faces: readonly ShownFace[]): void {
    const choice = byId('faces');
    choice.hidden = faces.length < 2;
    const ids = faces.map(({ id }) => id).join();
    if (choice.dataset.ids !== ids) {
      const focused = document.activeElement?.id;
      choice.dataset.ids = ids;
      for (const old of choice.querySelectorAll('label')) old.remove();
      for (const { id } of faces) {
        const radio = element('input', { type: 'radio', name: 'face', id: `face-${id}` });
        radio.addEventListener('change', () => {
          chosen = id;
          paint();
          onChoose();
        });
        choice.append(element('label', { for: `face-${id}` }, radio, element('span', {}, `Face ${id}`)));
      }
      if (focused?.startsWith('face-')) document.getElementById(focused)?.focus();
    }
    for (const { id } of faces) byId<HTMLInputElement>(`face-${id}`).checked = id === chosen;
  }

  function paint(): void {
    painted = performance.now();
    showChoice(shown);
    const face = shown.find(({ id }) => id === chosen);
    for (const { emotion, root, percent, graph, bar } of rows) {
      const share = face === undefined ? null : shareOf(face.predictions, emotion);
      const whole = Math.round(100 * (share ?? 0));
      percent.textContent = share === null ? '–' : `${whole}%`;
      bar.style.width = `${whole}%`;
      graph.setAttribute('aria-valuenow', `${whole}`);
      graph.setAttribute('aria-valuetext', share === null ? 'no face' : `${whole} percent`);
      root.classList.toggle('steady', face?.emotion === emotion);
    }
    draw();
  }

  function draw(): void {
    const points = chosen === null ? [] : (past.get(chosen) ?? []);
    for (const [i, { line }] of rows.entries()) drawLine(line, points, i + 1, now);
  }
  new ResizeObserver(draw).observe(byId('readings'));

  return {
    /** The face shown in the rows. */
    get chosen(): number | null {
      return chosen;
    },

    choose(id: number): void {
      chosen = id;
      paint();
      onChoose();
    },

    /** Shows the last moment now, if it has waited. */
    paint,

    /** Clears everything for another source. */
    clear(options: { lines: boolean }): void {
      past = new Map();
      chosen = null;
      for (const { line, bar } of rows) {
        line.hidden = !options.lines;
        bar.hidden = options.lines;
      }
      this.show([], 0);
      paint();
    },

    /** Takes the faces of one moment, and shows them when it is time; the time given is in ms. */
    show(faces: readonly ShownFace[], time: number): void {
      now = time;
      shown = faces;
      if (!faces.some(({ id }) => id === chosen)) chosen = biggest(faces)?.id ?? chosen;
      for (const { id, predictions } of faces) {
        const at = past.get(id) ?? [];
        if (time - (at.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY) >= LEAST_MS_BETWEEN_POINTS)
          at.push([time, ...EMOTIONS.map((name) => shareOf(predictions, name))]);
        while (at[0][0] < time - SPAN) at.shift();
        past.set(id, at);
      }
      if (performance.now() - painted >= LEAST_MS_BETWEEN_PAINTS) paint();
    },
  };
}

function shareOf(predictions: ShownFace['predictions'], name: Emotion): number {
  return predictions.find(({ className }) => className === name)?.probability ?? 0;
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
  const { color } = getComputedStyle(canvas);
  context.fillStyle = color;
  context.strokeStyle = color;
  context.lineWidth = 1.5 * devicePixelRatio;
  const x = (time: number) => width * (1 - (now - time) / SPAN);
  const y = (share: number) => height - 1 - (height - 3) * share;
  // One area per period without a gap: nothing is drawn while the face was missing.
  let from = 0;
  for (let i = 1; i <= points.length; i++) {
    if (i < points.length && points[i][0] - points[i - 1][0] < 1500) continue;
    const stretch = points.slice(from, i);
    from = i;
    context.beginPath();
    for (const point of stretch) context.lineTo(x(point[0]), y(point[column]));
    context.globalAlpha = 1;
    context.stroke();
    context.lineTo(x(stretch.at(-1)![0]), height);
    context.lineTo(x(stretch[0][0]), height);
    context.globalAlpha = 0.35;
    context.fill();
  }
}
