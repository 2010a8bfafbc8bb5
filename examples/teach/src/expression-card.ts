import { EMOTIONS } from 'fer-dcnn/lite';
import { classLooks } from '../../page-parts/class-look.js';
import { classMark } from '../../page-parts/class-mark.js';
import { element } from '../../page-parts/elements.js';

/** One class: its name, the faces that were collected for it, and the buttons that collect them. */
export interface ExpressionCard {
  root: HTMLElement;
  /** The name that the user gave it. */
  readonly name: string;
  /** The faces: one list for each recording or selection of files. */
  takes: ImageData[][];
  /** Shows the faces in `takes` and their number. */
  show(): void;
  /** Shows the progress of a recording or of reading files, 0..1; null hides it. */
  showProgress(share: number | null): void;
  enable(what: CardState): void;
}

export interface CardState {
  /** Whether the camera is on. */
  camera: boolean;
  /** Whether nothing else is in progress. */
  free: boolean;
  /** Whether this card is recording: its button then stops it. */
  recording: boolean;
  /** Whether enough classes are left that this one can be removed. */
  removable: boolean;
}

export interface ExpressionCardActions {
  record(card: ExpressionCard): void;
  /** Called when Record is pressed but cannot start: says why. */
  explain(): void;
  addPictures(card: ExpressionCard, files: readonly File[]): void;
  cleared(card: ExpressionCard): void;
  removed(card: ExpressionCard): void;
  renamed(card: ExpressionCard): void;
}

/** @param index - Position of the class, from 0. */
export function expressionCard(given: string, index: number, actions: ExpressionCardActions): ExpressionCard {
  let name = given;
  const mark = element('span');
  const title = element('input', { type: 'text', maxlength: '24', autocomplete: 'off', spellcheck: 'false' });
  title.value = name;
  const count = element('p', { class: 'count' });
  const faces = element('div', { class: 'faces', 'aria-hidden': 'true' });
  const record = element('button', { type: 'button' }, 'Record');
  const add = element('button', { type: 'button' }, 'Add pictures');
  const clear = element('button', { type: 'button' }, 'Clear');
  const picker = element('input', { type: 'file', accept: 'image/*', multiple: '', hidden: '' });
  const progress = element('span');
  const bar = element('div', { class: 'bar', 'aria-hidden': 'true', hidden: '' }, progress);
  const buttons = element('div', { class: 'buttons' }, record, add, clear, picker);
  const root = element('article', { class: 'expression' });
  root.append(element('div', { class: 'title' }, mark, title, count), buttons, bar, faces);

  const showName = () => {
    const looks = classLooks([...EMOTIONS, name]);
    const look = { ...looks.get(name)!, color: `var(--class-${index % 8})` };
    mark.replaceChildren(classMark(name, look));
    root.setAttribute('aria-label', name);
    picker.dataset.name = name;
    title.setAttribute('aria-label', `Name of class ${index + 1}`);
    record.setAttribute('aria-label', `${record.textContent} ${name}`);
    add.setAttribute('aria-label', `Add pictures of ${name}`);
    clear.setAttribute('aria-label', `${clear.textContent} ${name}`);
  };

  const card: ExpressionCard = {
    root,
    get name() {
      return name;
    },
    takes: [],
    show() {
      const all = card.takes.flat();
      count.textContent = all.length === 0 ? 'nothing yet' : `${all.length} ${all.length === 1 ? 'face' : 'faces'}`;
      faces.hidden = all.length === 0;
      faces.replaceChildren(...all.slice(-SHOWN).reverse().map(thumbnail));
    },
    showProgress(share) {
      bar.hidden = share === null;
      progress.style.width = `${100 * (share ?? 0)}%`;
      if (share === null) card.show();
    },
    enable({ camera, free, recording, removable }) {
      root.classList.toggle('recording', recording);
      record.textContent = recording ? 'Stop' : 'Record';
      record.disabled = !free && !recording;
      // `aria-disabled`, not `disabled`: the button keeps its focus and says what it waits for.
      if (camera || recording) {
        record.removeAttribute('aria-disabled');
        record.removeAttribute('aria-describedby');
      } else {
        record.setAttribute('aria-disabled', 'true');
        record.setAttribute('aria-describedby', 'ready');
      }
      const empty = card.takes.flat().length === 0;
      add.disabled = !free;
      title.disabled = !free;
      clear.textContent = empty ? 'Remove' : 'Clear';
      clear.disabled = !free || (empty && !removable);
      showName();
    },
  };

  record.addEventListener('click', () =>
    record.getAttribute('aria-disabled') === 'true' ? actions.explain() : actions.record(card),
  );
  add.addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    const files = [...(picker.files ?? [])];
    // Without this, choosing the same files again would fire no event.
    picker.value = '';
    if (files.length > 0) actions.addPictures(card, files);
  });
  clear.addEventListener('click', () => {
    if (card.takes.flat().length === 0) {
      actions.removed(card);
      return;
    }
    card.takes = [];
    card.show();
    actions.cleared(card);
    add.focus();
  });
  title.addEventListener('input', () => {
    const wanted = title.value.trim();
    if (wanted === '') return;
    name = wanted;
    showName();
    actions.renamed(card);
  });
  title.addEventListener('change', () => {
    title.value = name;
  });
  card.show();
  showName();
  return card;
}

/** Number of thumbnails shown, newest first: as many as fit a wide page. */
const SHOWN = 14;

function thumbnail(face: ImageData): HTMLCanvasElement {
  const canvas = element('canvas', { width: String(face.width), height: String(face.height) });
  canvas.getContext('2d')!.putImageData(face, 0, 0);
  return canvas;
}
