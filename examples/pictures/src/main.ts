/**
 * Sorts the faces of many pictures by expression; they can be corrected, saved and trained on: `npx fer-dcnn studio`, or
 * `npm run example:pictures` in the repository. Faces are found and classified in `looking-worker.ts`.
 */
import { EMOTIONS } from 'fer-dcnn/lite';
import { drawnFace } from '../../page-parts/drawn-face.js';
import { drawnPicture } from '../../page-parts/drawn-picture.js';
import { byId, element } from '../../page-parts/elements.js';
import { saveFile } from '../../page-parts/save-file.js';
import { missingFromBrowser, showNotice } from '../../page-parts/show-notice.js';
import { type AlbumFace, createAlbum, type Filter, type Order } from './album.js';
import { albumCsv } from './album-csv.js';
import { type ChosenPictures, droppedPictures, picturesOf } from './chosen-pictures.js';
import { faceGrid } from './face-grid.js';
import { showChosen } from './inspector.js';
import { type Picture, startLooking } from './look-through.js';
import { saveFolders } from './save-folders.js';
import { trainPanel } from './train-panel.js';

const progress = byId<HTMLProgressElement>('progress');
const stopButton = byId<HTMLButtonElement>('stop');
const starters = ['choose-folder', 'choose-pictures', 'try-drawn'].map((id) => byId<HTMLButtonElement>(id));

const album = createAlbum(EMOTIONS);
const grid = faceGrid(album, {
  onChoose: () => showChosen(album, grid.chosen(), label),
  onLabelKey(key) {
    if (key === 'right') confirm();
    else if (key === 0) label(null);
    else if (album.labels[key - 1] !== undefined) label(album.labels[key - 1]);
  },
});
const training = trainPanel(album, say);

let filter: Filter = { by: 'all' };
let order: Order = 'found';
let looked = { pictures: 0, unreadable: [] as string[], others: 0 };
let faceless: Picture[] = [];
let places = 0;
let stopping: AbortController | null = null;

const missing = missingFromBrowser();
const looking = missing ? null : startLooking();
if (missing) showNotice(missing);
looking
  ?.then(() => {
    for (const button of starters) button.disabled = false;
  })
  .catch((error: Error) => showNotice(`The network could not be loaded: ${error.message}`));

drawFan();
// Phones cannot choose folders.
if (!('webkitdirectory' in HTMLInputElement.prototype)) {
  byId('choose-folder').hidden = true;
  const first = byId('choose-pictures');
  first.classList.add('primary');
  first.parentElement!.prepend(first);
}

for (const [button, picker] of [
  ['choose-folder', 'folder-picker'],
  ['choose-pictures', 'picker'],
  ['add', 'picker'],
]) {
  byId(button).addEventListener('click', () => byId(picker).click());
}
for (const id of ['folder-picker', 'picker']) {
  const picker = byId<HTMLInputElement>(id);
  picker.addEventListener('change', () => {
    const chosen = picturesOf(picker.files ?? []);
    // The same can be chosen again.
    picker.value = '';
    take(chosen);
  });
}
byId('try-drawn').addEventListener('click', async () => {
  const pictures = await Promise.all(
    [0, 1, 2, 3, 4, 5].flatMap((who) => EMOTIONS.map((expression) => drawnPicture(expression, who))),
  );
  take(picturesOf(pictures));
});
for (const type of ['dragover', 'dragleave', 'drop'] as const) {
  document.addEventListener(type, async (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    document.body.classList.toggle('dropping', type === 'dragover');
    if (type === 'drop') take(await droppedPictures(event.dataTransfer));
  });
}
stopButton.addEventListener('click', () => stopping?.abort());
byId('clear').addEventListener('click', startOver);
byId('take-whole').addEventListener('click', () => look(faceless.splice(0), { whole: true }));
byId('order').addEventListener('change', () => {
  order = byId<HTMLSelectElement>('order').value as Order;
  refresh();
});
byId('filter').addEventListener('change', (event) => {
  filter = JSON.parse((event.target as HTMLInputElement).value);
  refresh();
});
byId('add-class').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = byId<HTMLInputElement>('class-name');
  const name = field.value.trim();
  if (!LABEL.test(name)) showNotice('A label is a word or two: letters, digits, spaces, - and _.');
  else if (!album.addLabel(name)) showNotice(`The label ${name} exists already.`);
  else {
    showNotice(null);
    field.value = '';
    redrawAll();
    say(`Label ${name} added.`);
  }
});
byId('from-folders').addEventListener('click', () => {
  album.labelByFolder();
  redrawAll();
  say('Every face is labelled with the name of its folder.');
});
byId('save-csv').addEventListener('click', () => {
  // Without the mark, Excel reads it as Latin-1.
  saveFile('faces.csv', new Blob(['\ufeff', albumCsv(album)], { type: 'text/csv' }));
  byId('kept').textContent = `${count(album.faces.length, 'face')} saved as faces.csv.`;
});
byId('save-folders').addEventListener('click', async () => {
  try {
    const saved = await saveFolders(album);
    if (saved === null) return;
    const where = saved.to === 'zip' ? 'faces.zip' : `the folder ${saved.name}`;
    byId('kept').textContent = `${count(saved.faces, 'face')} saved to ${where}. To train on them: npx fer-dcnn train.`;
  } catch (error) {
    showNotice(`The folders could not be saved: ${(error as Error).message}`);
  }
});

/** The class names that `fer-dcnn studio` accepts, because they become folder names. */
const LABEL = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} _-]{0,38}[\p{L}\p{M}\p{N}])?$/u;

function take({ pictures, others }: ChosenPictures): void {
  looked.others += others;
  if (pictures.length === 0) {
    showNotice(others > 0 ? 'There is no picture among these files.' : 'There is nothing in this folder.');
    return;
  }
  look(pictures);
}

async function look(chosen: readonly Picture[], { whole = false } = {}): Promise<void> {
  if (stopping !== null || looking === null) return;
  const pictures = chosen.map((picture) => ({ ...picture, place: picture.place ?? places++ }));
  const { activeElement: focused } = document;
  const controller = new AbortController();
  stopping = controller;
  showNotice(null);
  byId('start').hidden = true;
  byId('work').hidden = false;
  byId<HTMLButtonElement>('add').disabled = true;
  stopButton.hidden = false;
  progress.hidden = false;
  // The button that a key pressed is hidden or disabled now. In the end, keys act on the faces.
  if (focused?.matches('button:focus-visible')) stopButton.focus();
  let done = 0;
  const step = () => {
    done++;
    looked.pictures += whole ? 0 : 1;
    progress.value = done / pictures.length;
    byId('status').textContent = `Looking at picture ${done} of ${pictures.length} …`;
    scheduleRefresh();
  };
  say(`Looking at ${count(pictures.length, 'picture')}.`);
  const lookThrough = await looking;
  await lookThrough(pictures, {
    whole,
    signal: controller.signal,
    onPicture(picture, faces) {
      if (faces.length === 0) faceless.push(picture);
      album.add(picture, faces);
      step();
    },
    onUnreadable({ path }) {
      looked.unreadable.push(path);
      step();
    },
  });
  if (stopping !== controller) return;
  stopping = null;
  byId<HTMLButtonElement>('add').disabled = false;
  if (document.activeElement === stopButton) byId('grid').focus({ preventScroll: true });
  stopButton.hidden = true;
  progress.hidden = true;
  refresh();
  summarise();
}

/** The result for the pictures, in words. */
function summarise(): void {
  const text = `${count(album.faces.length, 'face')} on ${count(looked.pictures, 'picture')}.`;
  byId('status').textContent = text;
  say(text);
  const { unreadable, others } = looked;
  const some = unreadable.slice(0, 3).join(', ');
  const complaints = [
    unreadable.length > 0
      ? `This browser cannot read ${count(unreadable.length, 'picture')}: ${some}${unreadable.length > 3 ? ' …' : '.'}`
      : '',
    others > 0 ? `${count(others, 'file')} left out: not ${others === 1 ? 'a picture' : 'pictures'}.` : '',
  ];
  showNotice(complaints.join(' ').trim() || null);
  looked.others = 0;
}

function startOver(): void {
  stopping?.abort();
  stopping = null;
  album.clear();
  grid.clear();
  faceless = [];
  looked = { pictures: 0, unreadable: [], others: 0 };
  filter = { by: 'all' };
  refresh();
  showNotice(null);
  byId('kept').textContent = '';
  byId('trained').hidden = true;
  byId('work').hidden = true;
  byId('start').hidden = false;
  starters.find(({ hidden }) => !hidden)?.focus();
}

function label(name: string | null): void {
  const chosen = grid.chosen();
  if (chosen.length === 0) return;
  for (const face of chosen) setLabel(face, name);
  say(
    name === null
      ? `${count(chosen.length, 'face')} with the network's label again.`
      : `${count(chosen.length, 'face')} labelled ${name}.`,
  );
  if (name !== null && document.activeElement === byId('grid')) grid.next();
  refresh();
}

/** Confirms the labels of the faces. */
function confirm(): void {
  const chosen = grid.chosen();
  for (const face of chosen) setLabel(face, album.labelOf(face));
  if (chosen.length > 0) say('Confirmed.');
  grid.next();
  refresh();
}

function setLabel(face: AlbumFace, name: string | null): void {
  face.mine = name;
  grid.refresh(face);
}

/** Labels were added or removed. */
function redrawAll(): void {
  for (const face of album.faces) grid.refresh(face);
  refresh();
}

let waiting = 0;
/** With thousands of pictures per minute, the page is updated only a few times per second. */
function scheduleRefresh(): void {
  waiting ||= window.setTimeout(refresh, 150);
}

function refresh(): void {
  clearTimeout(waiting);
  waiting = 0;
  drawFilter();
  drawLabels();
  grid.show(album.shown(filter, order));
  byId('nothing').hidden = album.shown(filter, order).length > 0;
  byId('faceless').hidden = faceless.length === 0;
  byId('faceless-text').textContent = `No face was found on ${count(faceless.length, 'picture')}.`;
  byId<HTMLButtonElement>('take-whole').disabled = stopping !== null;
  for (const id of ['save-csv', 'save-folders']) byId<HTMLButtonElement>(id).disabled = album.faces.length === 0;
  training.refresh();
}

function drawFilter(): void {
  const choices: [string, Filter][] = [
    ['All', { by: 'all' }],
    ...album.labels.map((name): [string, Filter] => [name, { by: 'label', label: name }]),
    ['No label', { by: 'unlabelled' }],
    ['Yours', { by: 'mine' }],
  ];
  const root = byId('filter');
  for (const [i, [name, by]] of choices.entries()) {
    const value = JSON.stringify(by);
    const found = album.shown(by, 'found').length;
    let chip = [...root.querySelectorAll<HTMLInputElement>('input')].find((input) => input.value === value);
    if (chip === undefined) {
      chip = element('input', { type: 'radio', name: 'filter', value });
      const made = element(
        'label',
        {},
        chip,
        element('span', { class: 'word' }, name),
        ' ',
        element('span', { class: 'count' }),
      );
      root.insertBefore(made, root.children[i + 1] ?? null);
    }
    chip.checked = JSON.stringify(filter) === value;
    const labelOfChip = chip.closest('label')!;
    labelOfChip.querySelector('.count')!.textContent = `${found}`;
    labelOfChip.hidden = found === 0 && (by.by === 'unlabelled' || by.by === 'mine') && !chip.checked;
  }
  const values = new Set(choices.map(([, by]) => JSON.stringify(by)));
  for (const input of root.querySelectorAll<HTMLInputElement>('input')) {
    if (!values.has(input.value)) input.closest('label')!.remove();
  }
}

function drawLabels(): void {
  const items = album.labels.map((name) => {
    const remove = element(
      'button',
      { type: 'button', class: 'small', 'aria-label': `Remove label ${name}` },
      'Remove',
    );
    remove.disabled = album.labels.length <= 2;
    remove.addEventListener('click', () => {
      album.removeLabel(name);
      if (filter.by === 'label' && filter.label === name) filter = { by: 'all' };
      redrawAll();
      byId('class-name').focus();
      say(`Label ${name} removed.`);
    });
    return element('li', {}, element('span', {}, name), remove);
  });
  byId('class-list').replaceChildren(...items);
  byId('from-folders').hidden = album.folderNames().length === 0;
}

/** Some drawn faces, so that the first screen shows what the page is about. */
function drawFan(): void {
  const faces = (['happy', 'surprised', 'neutral', 'sad', 'angry'] as const).map((expression, i) => {
    const address = `data:image/svg+xml,${encodeURIComponent(drawnFace(expression, [4, 1, 2, 5, 3][i]))}`;
    return element('figure', {}, element('img', { src: address, alt: '' }), element('figcaption', {}, expression));
  });
  byId('fan').replaceChildren(...faces);
}

function count(number: number, thing: string): string {
  return `${number.toLocaleString('en')} ${thing}${number === 1 ? '' : 's'}`;
}

function say(text: string): void {
  byId('live').textContent = text;
}
