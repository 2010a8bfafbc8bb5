/**
 * Teaches the shipped network the expressions of the person in front of the camera: `npm run example:teach` in the repository.
 * This file is the page; `teaching-worker.ts` computes.
 */
import { EMOTIONS, type Emotion } from 'fer-dcnn/lite';
import { announcer } from '../../page-parts/announcer.js';
import { assetsOfPage } from '../../page-parts/assets-of-page.js';
import { classLooks } from '../../page-parts/class-look.js';
import { drawnFaceUrl } from '../../page-parts/drawn-crowd.js';
import { eachFrame, frameOf, speedometer } from '../../page-parts/each-frame.js';
import { byId, element } from '../../page-parts/elements.js';
import { faceOverlay } from '../../page-parts/face-overlay.js';
import { closeCamera, openCamera } from '../../page-parts/open-camera.js';
import { missingFromBrowser, showNotice } from '../../page-parts/show-notice.js';
import { callWorker } from '../../page-parts/worker-calls.js';
import { drawCurve } from './draw-curve.js';
import { drawnTakes } from './drawn-takes.js';
import { type ExpressionCard, expressionCard } from './expression-card.js';
import { liveComparison } from './live-comparison.js';
import { showComparison } from './show-comparison.js';
import { splitTakes } from './split-takes.js';
import type { EpochDone, Look, Teaching } from './teaching-worker.js';

/** Time to make the face before it is recorded. */
const READY_MS = 2000;
const RECORDING_MS = 4000;
/** A slow machine, which sees few faces in that time, gets more of it. */
const LONGEST_RECORDING_MS = 12_000;
/** Frames closer together than this look the same. */
const LEAST_MS_BETWEEN_FRAMES = 80;
const LEAST_FACES = 8;
const MOST_CLASSES = 12;

/** A recording in progress, or its countdown. */
interface Recording {
  card: ExpressionCard;
  faces: ImageData[];
  from: number;
  lastCut: number;
  frames: number;
}

const video = byId<HTMLVideoElement>('video');
const tryVideo = byId<HTMLVideoElement>('try-video');
const cameraButton = byId<HTMLButtonElement>('camera');
const tryCameraButton = byId<HTMLButtonElement>('try-camera');
const drawnButton = byId<HTMLButtonElement>('drawn');
const nextFaceButton = byId<HTMLButtonElement>('next-face');
const addClassButton = byId<HTMLButtonElement>('add-class');
const trainButton = byId<HTMLButtonElement>('train');
const stopButton = byId<HTMLButtonElement>('stop');
const progress = byId<HTMLProgressElement>('progress');
const choose = (id: number) => {
  chosen = id;
};
const overlays = [
  faceOverlay(byId<HTMLCanvasElement>('boxes'), choose),
  faceOverlay(byId<HTMLCanvasElement>('try-boxes'), choose),
];
const live = announcer(byId('status'));

const LOOKS = classLooks([]);

let ready = false;
let busy = false;
let training = false;
let cameraOn = false;
/** Id of the face that the user chose. */
let chosen: number | null = null;
/** Ids of the faces in sight, as they are seen from left to right, and the one that is taken. */
let inSight: { ids: number[]; taken: number | null } = { ids: [], taken: null };
let recording: Recording | null = null;
let epochs: EpochDone[] = [];
/** Round (epoch) whose weights were kept; null until the training ends. */
let kept: number | null = null;
let trainingBegan = 0;
let comparison: ReturnType<typeof liveComparison> | null = null;

const actions = { record, explain, addPictures, cleared: refresh, removed, renamed: refresh };
let classesMade = 0;
let cards: ExpressionCard[] = [];
for (const emotion of EMOTIONS) addCard(emotion);
byId('empty').append(
  element(
    'div',
    { class: 'faces', 'aria-hidden': 'true' },
    ...(['surprised', 'happy'] as const).map((expression, i) =>
      element('img', { src: drawnFaceUrl(expression, 3 + i), alt: '' }),
    ),
  ),
);
refresh();

const missing = missingFromBrowser();
const ask = missing ? null : startWorker();
if (missing) {
  showNotice(missing);
  byId('ready').textContent = '';
}

for (const button of [cameraButton, tryCameraButton])
  button.addEventListener('click', () => (cameraOn ? endCamera() : startCamera()));
drawnButton.addEventListener('click', useDrawnFaces);
nextFaceButton.addEventListener('click', takeNextFace);
addClassButton.addEventListener('click', () => {
  const card = addCard(freeName());
  refresh();
  const title = card.root.querySelector('input')!;
  title.focus();
  title.select();
});
// Escape stops a recording, as the card's Stop button does.
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') recording = null;
});
trainButton.addEventListener('click', teach);
stopButton.addEventListener('click', () => ask?.('stop', null));
new ResizeObserver(showCurve).observe(byId('curve'));

function startWorker() {
  const worker = new Worker(new URL('./teaching-worker.ts', import.meta.url), { type: 'module' });
  const call = callWorker<Teaching, EpochDone>(worker, showEpoch);
  call('load', assetsOfPage())
    .then(() => {
      ready = true;
      refresh();
    })
    .catch((error: Error) => {
      byId('ready').textContent = '';
      showNotice(`The network could not be loaded: ${error.message}`);
    });
  return call;
}

function addCard(name: string): ExpressionCard {
  const card = expressionCard(name, classesMade++, actions);
  cards.push(card);
  byId('expressions').append(card.root);
  return card;
}

function removed(card: ExpressionCard): void {
  cards = cards.filter((other) => other !== card);
  card.root.remove();
  refresh();
  addClassButton.focus();
}

function freeName(): string {
  for (let number = cards.length + 1; ; number++) {
    if (cards.every(({ name }) => name !== `class ${number}`)) return `class ${number}`;
  }
}

/** Updates which buttons are enabled, and the text that says what is missing. */
function refresh(): void {
  const free = ready && !busy;
  byId('frame').hidden = !cameraOn;
  byId('empty').hidden = cameraOn;
  byId('view').classList.toggle('on', cameraOn);
  byId('try-frame').hidden = !cameraOn;
  byId('try-empty').hidden = cameraOn;
  for (const button of [cameraButton, tryCameraButton]) {
    button.textContent = cameraOn ? 'Stop camera' : 'Start camera';
    button.disabled = !free;
  }
  cameraButton.classList.toggle('primary', !cameraOn);
  drawnButton.disabled = !free;
  drawnButton.hidden = cameraOn;
  addClassButton.disabled = !free || cards.length >= MOST_CLASSES;
  for (const card of cards) {
    card.enable({ camera: cameraOn, free, recording: recording?.card === card, removable: cards.length > 2 });
  }
  if (ready) {
    byId('ready').textContent = cameraOn
      ? 'Ready. Press Record and hold the expression until the countdown ends. If there are several faces, click one to select it.'
      : 'Ready. To record, start the camera. Or add pictures.';
  }

  const counts = cards.map(({ takes }) => takes.flat().length);
  const enough = counts.filter((count) => count >= LEAST_FACES).length;
  const few = cards.filter((_, i) => counts[i] > 0 && counts[i] < LEAST_FACES).map(({ name }) => name);
  const names = cards.map(({ name }) => name.toLowerCase());
  const twice = cards.find(({ name }, i) => names.indexOf(name.toLowerCase()) !== i)?.name;
  trainButton.disabled = !free || enough < 2 || few.length > 0 || twice !== undefined;
  byId('needed').textContent =
    twice !== undefined
      ? `Two classes are called “${twice}”: rename one of them.`
      : few.length > 0
        ? `Each class needs at least ${LEAST_FACES} faces: add some to ${few.join(' and ')}, or clear it.`
        : enough < 2
          ? `At least two classes need ${LEAST_FACES} faces or more.`
          : `${counts.reduce((sum, count) => sum + count)} faces: three quarters train the network, the last quarter of each recording is kept aside to test it.`;
}

async function startCamera(): Promise<void> {
  try {
    showNotice(null);
    await openCamera(video);
  } catch (error) {
    showNotice((error as Error).message);
    return;
  }
  cameraOn = true;
  tryVideo.srcObject = video.srcObject;
  tryVideo.play().catch(() => {});
  for (const id of ['frame', 'try-frame']) {
    byId(id).style.setProperty('--ratio', `${video.videoWidth / video.videoHeight || 4 / 3}`);
  }
  refresh();
  const stream = video.srcObject;
  await ask!('begin', null);
  const speed = speedometer();
  const goesOn = () => cameraOn && video.srcObject === stream;
  await eachFrame(video, goesOn, async (time) => {
    // While the worker trains, frames would only wait for it.
    if (training) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return;
    }
    const { videoWidth: width, videoHeight: height } = video;
    const frame = await frameOf(video, { width, height });
    const now = performance.now();
    const cut = recording !== null && now >= recording.from && now - recording.lastCut >= LEAST_MS_BETWEEN_FRAMES;
    const look = await ask!('look', { frame, time, chosen, cut }, [frame]);
    // The camera may have been stopped meanwhile.
    if (!goesOn()) return;
    speed.add(look.ms);
    byId('speed').textContent = `${speed}`;
    byId('speed').hidden = `${speed}` === '';
    showLook(look, width, height);
    if (cut) keepFace(look.cut, now);
  }).catch((error: Error) => {
    endCamera();
    showNotice(error.message);
  });
}

function endCamera(): void {
  cameraOn = false;
  closeCamera(video);
  tryVideo.srcObject = null;
  for (const overlay of overlays) overlay.show([], { selected: null, mirrored: true, looks: LOOKS });
  nextFaceButton.hidden = true;
  comparison?.show({ before: [], after: null });
  refresh();
}

function showLook({ faces, taken, before, after }: Look, width: number, height: number): void {
  inSight = { ids: [...faces].sort((a, b) => b.box.x - a.box.x).map(({ id }) => id), taken };
  // Once there, it stays: a face that is lost for a moment must not move the page.
  if (faces.length > 1) nextFaceButton.hidden = false;
  const shown = faces.map(({ id, box }) => ({
    id,
    box: { x: box.x / width, y: box.y / height, width: box.width / width, height: box.height / height },
    caption: id === taken ? (recording?.card.name ?? 'this face') : 'not selected',
    className: null,
  }));
  for (const overlay of overlays) overlay.show(shown, { selected: taken, mirrored: true, looks: LOOKS });
  const place = inSight.ids.indexOf(taken ?? -1) + 1;
  const label =
    faces.length === 0
      ? 'No face in sight'
      : faces.length === 1
        ? 'One face in sight'
        : `${faces.length} faces in sight; number ${place} from the left is selected`;
  for (const id of ['boxes', 'try-boxes']) {
    if (byId(id).ariaLabel !== label) byId(id).ariaLabel = label;
  }
  comparison?.show({ before, after });
  const [was] = before;
  const [is] = after ?? [];
  if (comparison !== null && is)
    live.later(was ? `Before: ${was.className}. After: ${is.className}.` : `The network says ${is.className}.`);
}

/** What a click on a face does, for the keyboard. */
function takeNextFace(): void {
  const { ids, taken } = inSight;
  if (ids.length === 0) return;
  const now = chosen !== null && ids.includes(chosen) ? chosen : taken;
  const place = now === null ? 0 : (ids.indexOf(now) + 1) % ids.length;
  chosen = ids[place];
  live.now(`Face ${place + 1} of ${ids.length}, from the left, is selected.`);
}

function explain(): void {
  live.now('To record, start the camera. Or add pictures.');
  cameraButton.focus();
}

function keepFace(face: ImageData | null, time: number): void {
  if (recording === null) return;
  recording.frames++;
  recording.lastCut = time;
  if (face === null) return;
  recording.faces.push(face);
  recording.card.show();
}

/** Starts a recording, or stops the one in progress. */
async function record(card: ExpressionCard): Promise<void> {
  if (recording !== null) {
    recording = null;
    return;
  }
  await collect(card, async (faces) => {
    const from = performance.now() + READY_MS;
    const mine: Recording = { card, faces, from, lastCut: 0, frames: 0 };
    recording = mine;
    refresh();
    live.now(`Get ready: ${card.name}.`);
    let told = false;
    const goesOn = (past: number) =>
      past < RECORDING_MS || (past < LONGEST_RECORDING_MS && faces.length > 0 && faces.length < LEAST_FACES);
    while (recording === mine && cameraOn && goesOn(performance.now() - from)) {
      const past = performance.now() - from;
      if (past >= 0 && !told) live.now(`Recording ${card.name} for four seconds.`);
      told ||= past >= 0;
      if (past < 0) countDown(Math.ceil(-past / 1000), `Get ready: ${card.name}`, told);
      else if (past < RECORDING_MS) countDown(Math.ceil((RECORDING_MS - past) / 1000), `Recording ${card.name}`, told);
      else countDown(LEAST_FACES - faces.length, `more faces: ${card.name}`, told);
      card.showProgress(Math.min(1, Math.max(0, past) / RECORDING_MS));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recording = null;
    byId('countdown').hidden = true;
    return faces.length === 0 && mine.frames > 0
      ? 'No face was found: sit in front of the camera, with light on your face.'
      : null;
  });
}

/** Shows how many seconds, or faces, are left. */
function countDown(left: number, what: string, runs: boolean): void {
  const countdown = byId('countdown');
  countdown.hidden = false;
  countdown.classList.toggle('runs', runs);
  const [number, words] = [countdown.querySelector('strong')!, countdown.querySelector('span')!];
  if (number.textContent !== `${left}`) number.textContent = `${left}`;
  if (words.textContent !== what) words.textContent = what;
}

async function addPictures(card: ExpressionCard, files: readonly File[]): Promise<void> {
  await collect(card, async (faces) => {
    const unread: string[] = [];
    for (const [i, file] of files.entries()) {
      await take(file, faces).catch(() => unread.push(file.name));
      card.showProgress((i + 1) / files.length);
    }
    const without = files.length - unread.length - faces.length;
    const complaints = [
      unread.length > 0 ? `These files cannot be read as pictures: ${unread.slice(0, 5).join(', ')}.` : '',
      without > 0 ? `No face was found on ${without} of ${files.length} pictures.` : '',
    ];
    return complaints.join(' ').trim() || null;
  });
}

/** For users without a camera: adds drawn faces to the five emotions. */
async function useDrawnFaces(): Promise<void> {
  for (const emotion of EMOTIONS) {
    const card = cards.find(({ name }) => name === emotion) ?? addCard(emotion);
    await collect(card, async (faces) => {
      const pictures = await drawnTakes(emotion satisfies Emotion);
      for (const [i, picture] of pictures.entries()) {
        await take(picture, faces);
        card.showProgress((i + 1) / pictures.length);
      }
      return null;
    });
  }
}

/** Finds the face on a picture, cuts it out, and keeps it. */
async function take(picture: ImageBitmapSource, into: ImageData[]): Promise<void> {
  const bitmap = await createImageBitmap(picture);
  const face = await ask!('cutFace', bitmap, [bitmap]);
  if (face !== null) into.push(face);
}

/** Runs one recording or one selection of files: fills a new take, and shows a notice if something went wrong. */
async function collect(card: ExpressionCard, fill: (faces: ImageData[]) => Promise<string | null>): Promise<void> {
  const { activeElement: focused } = document;
  busy = true;
  showNotice(null);
  refresh();
  const faces: ImageData[] = [];
  card.takes.push(faces);
  try {
    showNotice(await fill(faces));
  } catch (error) {
    showNotice((error as Error).message);
  }
  if (faces.length === 0) card.takes.pop();
  busy = false;
  card.showProgress(null);
  refresh();
  // A button that was disabled has lost the focus.
  if (document.activeElement === document.body) (focused as HTMLElement | null)?.focus();
  live.now(`${card.name}: ${card.takes.flat().length} faces.`);
}

async function teach(): Promise<void> {
  const own = cards.filter(({ name, takes }) => takes.flat().length > 0 && !EMOTIONS.includes(name as Emotion));
  // Emotions alone: the network keeps its five classes. Any other class: it gets a new last layer for the collected classes.
  const classes =
    own.length === 0 ? [...EMOTIONS] : cards.filter(({ takes }) => takes.flat().length > 0).map(({ name }) => name);
  const { teaching, heldOut } = splitTakes(
    classes.map((name) => cards.find((card) => card.name === name)?.takes ?? []),
  );
  busy = true;
  training = true;
  epochs = [];
  kept = null;
  comparison = null;
  showNotice(null);
  progress.value = 0;
  byId('training').hidden = false;
  byId('result').hidden = true;
  stopButton.hidden = false;
  byId('curve').replaceChildren();
  byId('progress-label').textContent = `Training on ${teaching.length} faces`;
  refresh();
  stopButton.focus();
  live.now('Training has begun.');
  trainingBegan = performance.now();
  let lost: HTMLElement | null = null;
  try {
    const outcome = await ask!('teach', { classes, teaching, heldOut });
    const seconds = outcome.seconds.toFixed(1);
    byId('progress-label').textContent =
      `Trained on ${teaching.length} faces for ${epochs.length} rounds, in ${seconds} s`;
    kept = outcome.kept;
    showCurve();
    showComparison(outcome);
    comparison = liveComparison(outcome);
    byId('result').focus({ preventScroll: true });
    byId('result').scrollIntoView({ block: 'start' });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    byId('training').hidden = true;
    lost = trainButton;
    showNotice(code === 'ABORTED' ? 'Training was stopped; nothing was changed.' : `Training failed: ${message}`);
  }
  busy = false;
  training = false;
  stopButton.hidden = true;
  refresh();
  lost?.focus();
}

function showEpoch(done: EpochDone): void {
  epochs.push(done);
  progress.value = done.epoch / done.epochs;
  const left = ((performance.now() - trainingBegan) / done.epoch) * (done.epochs - done.epoch);
  const text = `Round ${done.epoch} of ${done.epochs}, about ${Math.max(1, Math.round(left / 1000))} s left`;
  byId('progress-label').textContent = text;
  live.later(text);
  showCurve();
}

function showCurve(): void {
  if (epochs.length === 0) return;
  byId('curve').replaceChildren(drawCurve(epochs, byId('curve').clientWidth, kept));
}
