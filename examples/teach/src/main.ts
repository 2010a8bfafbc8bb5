/**
 * Teaches the shipped network the expressions of whoever sits before the camera: `npm run example:teach` in the repository.
 * This file is the page; all that computes is in `teaching-worker.ts`.
 */
import { EMOTIONS } from 'fer-dcnn';
import { byId } from '../../page-parts/elements.js';
import { closeCamera, openCamera } from '../../page-parts/open-camera.js';
import { missingFromBrowser, showNotice } from '../../page-parts/show-notice.js';
import { callWorker } from '../../page-parts/worker-calls.js';
import { drawCurve } from './draw-curve.js';
import { type ExpressionCard, expressionCard } from './expression-card.js';
import { showComparison } from './show-comparison.js';
import { splitTakes } from './split-takes.js';
import type { EpochDone, Teaching } from './teaching-worker.js';

const RECORDING_MS = 4000;
/** Frames that lie closer together show the same. */
const LEAST_MS_BETWEEN_FRAMES = 80;
const LEAST_FACES = 8;

const video = byId<HTMLVideoElement>('video');
const cameraButton = byId<HTMLButtonElement>('camera');
const trainButton = byId<HTMLButtonElement>('train');
const stopButton = byId<HTMLButtonElement>('stop');
const progress = byId<HTMLProgressElement>('progress');

let ready = false;
let busy = false;
let epochs: EpochDone[] = [];

const missing = missingFromBrowser();
const cards = EMOTIONS.map((emotion) => expressionCard(emotion, { record, addPictures, cleared: refresh }));
byId('expressions').append(...cards.map(({ root }) => root));
refresh();

const ask = missing ? null : startWorker();
if (missing) {
  showNotice(missing);
  byId('ready').textContent = '';
}

cameraButton.addEventListener('click', async () => {
  try {
    showNotice(null);
    if (video.srcObject === null) await openCamera(video);
    else closeCamera(video);
  } catch (error) {
    showNotice((error as Error).message);
  }
  refresh();
});
trainButton.addEventListener('click', teach);
stopButton.addEventListener('click', () => ask?.('stop', null));

function startWorker() {
  const worker = new Worker(new URL('./teaching-worker.ts', import.meta.url), { type: 'module' });
  const call = callWorker<Teaching, EpochDone>(worker, showEpoch);
  call('load', null)
    .then(() => {
      ready = true;
      byId('ready').textContent = 'Ready.';
      refresh();
    })
    .catch((error: Error) => {
      byId('ready').textContent = '';
      showNotice(`The network could not be loaded: ${error.message}`);
    });
  return call;
}

/** What can be pressed now, and what is still needed. */
function refresh(): void {
  const cameraOn = video.srcObject !== null;
  video.hidden = !cameraOn;
  byId('empty').hidden = cameraOn;
  cameraButton.textContent = cameraOn ? 'Stop camera' : 'Start camera';
  cameraButton.disabled = !ready || busy;
  for (const card of cards) {
    card.enable({ camera: ready && !busy && cameraOn, pictures: ready && !busy });
  }

  const counts = cards.map(({ takes }) => takes.flat().length);
  const enough = counts.filter((count) => count >= LEAST_FACES).length;
  const few = cards.filter((_, i) => counts[i] > 0 && counts[i] < LEAST_FACES).map(({ emotion }) => emotion);
  trainButton.disabled = !ready || busy || enough < 2 || few.length > 0;
  byId('needed').textContent =
    few.length > 0
      ? `${LEAST_FACES} faces of an expression are the least: add some to ${few.join(' and ')}, or clear it.`
      : enough < 2
        ? `Waits for ${LEAST_FACES} faces or more of at least two expressions.`
        : `${counts.reduce((sum, count) => sum + count)} faces: three quarters teach, the last quarter of each recording is kept aside to measure.`;
}

/** Finds the face on a picture, cuts it out, and keeps it. */
async function take(picture: ImageBitmapSource, into: ImageData[], card: ExpressionCard): Promise<void> {
  const bitmap = await createImageBitmap(picture);
  const face = await ask!('cutFace', bitmap, [bitmap]);
  if (face === null) return;
  into.push(face);
  card.show();
}

async function record(card: ExpressionCard): Promise<void> {
  await collect(card, async (faces) => {
    const end = performance.now() + RECORDING_MS;
    say(`Recording ${card.emotion} for four seconds.`);
    let frames = 0;
    while (performance.now() < end && video.srcObject !== null) {
      const pause = new Promise((resolve) => setTimeout(resolve, LEAST_MS_BETWEEN_FRAMES));
      frames++;
      await take(video, faces, card);
      card.showProgress(1 - Math.max(0, end - performance.now()) / RECORDING_MS);
      await pause;
    }
    return faces.length === 0 && frames > 0
      ? 'No face was seen: sit before the camera, with light on your face.'
      : null;
  });
}

async function addPictures(card: ExpressionCard, files: readonly File[]): Promise<void> {
  await collect(card, async (faces) => {
    const unread: string[] = [];
    const before = faces.length;
    for (const [i, file] of files.entries()) {
      await take(file, faces, card).catch(() => unread.push(file.name));
      card.showProgress((i + 1) / files.length);
    }
    const without = files.length - unread.length - (faces.length - before);
    const complaints = [
      unread.length > 0 ? `Not readable as pictures: ${unread.slice(0, 5).join(', ')}.` : '',
      without > 0 ? `No face was found on ${without} of ${files.length} pictures.` : '',
    ];
    return complaints.join(' ').trim() || null;
  });
}

/** One recording or choice of files: fills a new take, and says what was odd. */
async function collect(card: ExpressionCard, fill: (faces: ImageData[]) => Promise<string | null>): Promise<void> {
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
  say(`${card.emotion}: ${card.takes.flat().length} faces.`);
}

async function teach(): Promise<void> {
  const { teaching, heldOut } = splitTakes(cards.map(({ takes }) => takes));
  busy = true;
  epochs = [];
  showNotice(null);
  progress.value = 0;
  byId('training').hidden = false;
  byId('result').hidden = true;
  stopButton.hidden = false;
  byId('curve').replaceChildren();
  byId('progress-label').textContent = `Training on ${teaching.length} faces`;
  refresh();
  stopButton.focus();
  say('Training has begun.');
  try {
    const outcome = await ask!('teach', { teaching, heldOut });
    const seconds = outcome.seconds.toFixed(1);
    byId('progress-label').textContent =
      `Trained on ${teaching.length} faces, ${epochs.length} times over, in ${seconds} s`;
    showComparison(outcome);
    byId('result').focus();
    byId('result').scrollIntoView({ block: 'nearest' });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    byId('training').hidden = true;
    showNotice(code === 'ABORTED' ? 'Training was stopped; nothing was changed.' : `Training failed: ${message}`);
  }
  busy = false;
  stopButton.hidden = true;
  refresh();
}

function showEpoch(done: EpochDone): void {
  epochs.push(done);
  progress.value = done.epoch / done.epochs;
  byId('curve').replaceChildren(drawCurve(epochs, Math.min(700, byId('curve').clientWidth)));
}

function say(text: string): void {
  byId('status').textContent = text;
}
