import type { Emotion } from 'fer-dcnn';
import { element } from '../../page-parts/elements.js';

/** One expression: the faces that were collected for it, and the buttons that collect them. */
export interface ExpressionCard {
  root: HTMLElement;
  emotion: Emotion;
  /** The faces, by recording or choice of files. */
  takes: ImageData[][];
  /** Shows what is in `takes`. */
  show(): void;
  /** How far a recording is, 0..1; null when there is none. */
  showProgress(share: number | null): void;
  enable(what: { camera: boolean; pictures: boolean }): void;
}

export interface ExpressionCardActions {
  record(card: ExpressionCard): void;
  addPictures(card: ExpressionCard, files: readonly File[]): void;
  cleared(): void;
}

export function expressionCard(emotion: Emotion, actions: ExpressionCardActions): ExpressionCard {
  const count = element('p', { class: 'count' });
  const faces = element('div', { class: 'faces', 'aria-hidden': 'true' });
  const record = element('button', { type: 'button', 'aria-label': `Record ${emotion}` }, 'Record');
  const add = element('button', { type: 'button', 'aria-label': `Add pictures of ${emotion}` }, 'Add pictures');
  const clear = element('button', { type: 'button', 'aria-label': `Clear ${emotion}` }, 'Clear');
  const picker = element('input', { type: 'file', accept: 'image/*', multiple: '', hidden: '' });
  picker.dataset.emotion = emotion;
  const heading = element('h3', {}, emotion);
  const buttons = element('div', { class: 'row' }, record, add, clear, picker);
  const root = element('article', { class: 'expression', 'aria-label': emotion });
  root.append(element('div', {}, heading, count), buttons, faces);

  const card: ExpressionCard = {
    root,
    emotion,
    takes: [],
    show() {
      const all = card.takes.flat();
      count.textContent = all.length === 0 ? 'nothing yet' : `${all.length} ${all.length === 1 ? 'face' : 'faces'}`;
      faces.hidden = all.length === 0;
      clear.hidden = all.length === 0;
      faces.replaceChildren(...all.slice(-SHOWN).reverse().map(thumbnail));
    },
    showProgress(share) {
      root.classList.toggle('recording', share !== null);
      if (share !== null) count.textContent = `${card.takes.flat().length} faces, ${Math.round(100 * share)} %`;
      else card.show();
    },
    enable({ camera, pictures }) {
      record.disabled = !camera;
      add.disabled = !pictures;
      clear.disabled = !pictures;
    },
  };

  record.addEventListener('click', () => actions.record(card));
  add.addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    const files = [...(picker.files ?? [])];
    // The same files can be chosen again.
    picker.value = '';
    if (files.length > 0) actions.addPictures(card, files);
  });
  clear.addEventListener('click', () => {
    card.takes = [];
    card.show();
    actions.cleared();
    add.focus();
  });
  card.show();
  return card;
}

/** Thumbnails that are shown, newest first: as many as fit a wide page. */
const SHOWN = 14;

function thumbnail(face: ImageData): HTMLCanvasElement {
  const canvas = element('canvas', { width: String(face.width), height: String(face.height) });
  canvas.getContext('2d')!.putImageData(face, 0, 0);
  return canvas;
}
