import { byId, element } from '../../page-parts/elements.js';
import { type Album, type AlbumFace, certaintyOf } from './album.js';
import { markOf } from './mark-of.js';

export interface FaceGridHandlers {
  /** The selection or the current face has changed. */
  onChoose(): void;
  /** A key for labels: from 1, in the order of the labels; 0 removes the user's label; Enter confirms the label. */
  onLabelKey(key: number | 'right'): void;
}

export interface FaceGrid {
  /** Shows these faces in this order. Selected faces stay selected if they are still there. */
  show(faces: readonly AlbumFace[]): void;
  /** Redraws a face whose label changed. */
  refresh(face: AlbumFace): void;
  /** The selected faces, in the order of the grid. */
  chosen(): AlbumFace[];
  /** Moves to the next face, if a single face is selected. */
  next(): void;
  clear(): void;
}

/**
 * The faces as a list box: select with the mouse (Shift and Ctrl as in a list of files) or with the keyboard. Faces outside the
 * visible area are neither laid out nor decoded.
 */
export function faceGrid(album: Album, { onChoose, onLabelKey }: FaceGridHandlers): FaceGrid {
  const root = byId('grid');
  const cards = new Map<number, HTMLElement>();
  const chosen = new Set<AlbumFace>();
  let shown: AlbumFace[] = [];
  /** Indices in `shown`: the keyboard position, and the start of a range. */
  let at = -1;
  let anchor = -1;

  root.addEventListener('click', (event) => {
    const card = (event.target as Element).closest<HTMLElement>('[role="option"]');
    if (card === null) return;
    const place = shown.findIndex(({ id }) => cards.get(id) === card);
    if (event.shiftKey && anchor >= 0) choose(place, 'range');
    else choose(place, event.ctrlKey || event.metaKey ? 'toggle' : 'alone');
  });
  root.addEventListener('focus', () => {
    if (at < 0 && shown.length > 0) choose(0, 'alone');
  });
  root.addEventListener('keydown', (event) => {
    if (event.altKey) return;
    const target = targetOf(event);
    if (target !== null) choose(target, event.shiftKey ? 'range' : 'alone');
    else if (event.key === ' ') choose(Math.max(at, 0), 'toggle');
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) chooseAll();
    else if (event.key === 'Escape') chooseNone();
    else if (event.key === 'Enter') onLabelKey('right');
    else if (/^\d$/.test(event.key) && !event.ctrlKey && !event.metaKey) onLabelKey(Number(event.key));
    else return;
    event.preventDefault();
  });

  function targetOf({ key }: KeyboardEvent): number | null {
    const columns = getComputedStyle(root).gridTemplateColumns.split(' ').length;
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (key === 'Home') return 0;
    if (key === 'End') return shown.length - 1;
    if (!Object.hasOwn(steps, key)) return null;
    const to = at + steps[key];
    return to < 0 || to >= shown.length ? at : to;
  }

  function choose(place: number, how: 'alone' | 'toggle' | 'range'): void {
    if (place < 0 || place >= shown.length) return;
    const face = shown[place];
    if (how === 'toggle') {
      if (!chosen.delete(face)) chosen.add(face);
    } else {
      chosen.clear();
      const from = how === 'range' && anchor >= 0 ? anchor : place;
      for (const each of shown.slice(Math.min(from, place), Math.max(from, place) + 1)) chosen.add(each);
    }
    if (how !== 'range' || anchor < 0) anchor = place;
    at = place;
    mark();
    cards.get(face.id)?.scrollIntoView({ block: 'nearest' });
    onChoose();
  }

  function chooseAll(): void {
    for (const face of shown) chosen.add(face);
    mark();
    onChoose();
  }

  function chooseNone(): void {
    chosen.clear();
    mark();
    onChoose();
  }

  function mark(): void {
    for (const face of shown) {
      const card = cards.get(face.id)!;
      const selected = String(chosen.has(face));
      if (card.ariaSelected !== selected) card.ariaSelected = selected;
    }
    const active = shown[at];
    for (const card of root.querySelectorAll('.at')) card.classList.remove('at');
    if (active === undefined) {
      root.removeAttribute('aria-activedescendant');
    } else {
      cards.get(active.id)!.classList.add('at');
      root.setAttribute('aria-activedescendant', `face-${active.id}`);
    }
  }

  return {
    show(faces) {
      const active = shown[at];
      const [only, second] = chosen;
      shown = [...faces];
      for (const face of shown) if (!cards.has(face.id)) cards.set(face.id, drawCard(face, album));
      const inOrder = shown.map(({ id }) => cards.get(id)!);
      // Usually some are added near the end, and the rest does not change.
      const moved = inOrder.findIndex((card, i) => root.children[i] !== card);
      const kept = moved < 0 ? inOrder.length : moved;
      while (root.children.length > kept) root.lastChild!.remove();
      root.append(...inOrder.slice(kept));

      const there = new Set(shown);
      for (const face of chosen) if (!there.has(face)) chosen.delete(face);
      const place = active === undefined ? -1 : shown.indexOf(active);
      // If a new label hid the face, the next one takes its place.
      at = place >= 0 ? place : Math.min(at, shown.length - 1);
      if (only && !second && !there.has(only) && shown[at]) chosen.add(shown[at]);
      anchor = Math.min(anchor, shown.length - 1);
      mark();
      onChoose();
    },
    refresh(face) {
      const card = cards.get(face.id);
      if (card) fillCard(card, face, album);
    },
    chosen: () => shown.filter((face) => chosen.has(face)),
    next() {
      if (chosen.size === 1 && at < shown.length - 1) choose(at + 1, 'alone');
    },
    clear() {
      cards.clear();
      chosen.clear();
      shown = [];
      at = -1;
      anchor = -1;
      root.replaceChildren();
      mark();
    },
  };
}

function drawCard(face: AlbumFace, album: Album): HTMLElement {
  const image = element('img', { src: face.address, alt: '', width: '128', height: '128' });
  image.loading = 'lazy';
  image.decoding = 'async';
  const card = element(
    'div',
    { role: 'option', class: 'card', id: `face-${face.id}`, 'aria-selected': 'false', title: face.path },
    image,
    element('span', { class: 'what' }),
  );
  fillCard(card, face, album);
  return card;
}

/** Its label, and the network's certainty or a sign that the user labelled it. */
function fillCard(card: HTMLElement, face: AlbumFace, album: Album): void {
  const label = album.labelOf(face);
  const name = element('span', { class: 'visually-hidden' }, `, ${face.path.split('/').at(-1)}`);
  const word = element('span', { class: 'word' }, ...(label === null ? ['no label'] : [markOf(label, album), label]));
  const bar = element('span');
  bar.style.width = `${100 * certaintyOf(face)}%`;
  const certainty = [
    element('span', { class: 'sure' }, `${Math.round(100 * certaintyOf(face))}%`),
    name,
    element('span', { class: 'bar', 'aria-hidden': 'true' }, bar),
  ];
  const said = [name, element('span', { class: 'yours' }, 'yours')];
  card.querySelector('.what')!.replaceChildren(word, ' ', ...(face.mine === null ? certainty : said));
  card.classList.toggle('mine', face.mine !== null);
}
