/**
 * Faces and their expressions from a camera, picture or video: `npm run example:webcam` in the repository.
 * This file is the page; faces are found, classified and followed in `analysis-worker.ts`.
 */
import { announcer } from '../../page-parts/announcer.js';
import { assetsOfPage } from '../../page-parts/assets-of-page.js';
import { drawnCrowd, drawnFaceUrl } from '../../page-parts/drawn-crowd.js';
import { eachFrame, frameOf, speedometer } from '../../page-parts/each-frame.js';
import { byId, element } from '../../page-parts/elements.js';
import { drawFaces, faceOverlay, type OverlayFace } from '../../page-parts/face-overlay.js';
import { closeCamera, openCamera } from '../../page-parts/open-camera.js';
import { saveFile } from '../../page-parts/save-file.js';
import { missingFromBrowser, showNotice } from '../../page-parts/show-notice.js';
import { callWorker, WorkerFailure } from '../../page-parts/worker-calls.js';
import type { Analysis } from './analysis-worker.js';
import { LOOKS, showMeanings } from './meanings.js';
import { createReadings } from './readings.js';
import { showSummary } from './show-summary.js';
import { captionOf, type ShownFace, sentencesOf, shortCaptionOf } from './shown-face.js';

/** Frames are reduced to this width before detection; relevant faces are still wide enough. */
const FRAME_WIDTH = 640;

/** The drawn people for users without a camera. */
const DRAWN = ['happy', 'surprised', 'sad'] as const;

const NO_FACE = 'No face was found. A face is found best in good light, seen from the front.';

type Source = 'none' | 'camera' | 'video' | 'picture';

const video = byId<HTMLVideoElement>('video');
/** A picture, or the last frame of a stopped source. */
const still = byId<HTMLCanvasElement>('still');
const boxes = byId<HTMLCanvasElement>('boxes');
const cameraButton = byId<HTMLButtonElement>('camera');
const drawnButton = byId<HTMLButtonElement>('drawn');
const openButton = byId<HTMLButtonElement>('open');
const saveButton = byId<HTMLButtonElement>('save');
const picker = byId<HTMLInputElement>('picker');
const view = byId('view');
const readings = createReadings(() => show(shown, shownAt));
const overlay = faceOverlay(boxes, (id) => readings.choose(id));
const live = announcer(byId('live'));

let source: Source = 'none';
/** Whether the camera or the video is running. */
let running = false;
/** Counts sources, to ignore late results of an earlier one. */
let turn = 0;
let shown: ShownFace[] = [];
let shownAt = 0;

showMeanings();
byId('empty').prepend(
  element(
    'div',
    { class: 'faces', 'aria-hidden': 'true' },
    ...DRAWN.map((expression, who) => element('img', { src: drawnFaceUrl(expression, who), alt: '' })),
  ),
);
readings.clear({ lines: true });
refresh();
const missing = missingFromBrowser();
const ask = missing ? null : startWorker();
if (missing) {
  showNotice(missing);
  say('');
}

cameraButton.addEventListener('click', () => (running ? stop() : startCamera()));
drawnButton.addEventListener('click', async () => {
  // It is hidden with a picture, and would lose the focus.
  if (document.activeElement === drawnButton) cameraButton.focus({ preventScroll: true });
  await leave();
  drawnCrowd(DRAWN)
    .then(showPicture)
    .catch((error: Error) => fail(error.message));
});
openButton.addEventListener('click', () => picker.click());
saveButton.addEventListener('click', savePicture);
picker.addEventListener('change', () => {
  const [file] = picker.files ?? [];
  // The same file can be chosen again.
  picker.value = '';
  if (file) open(file);
});
for (const type of ['dragover', 'dragleave', 'drop'] as const) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    view.classList.toggle('dropping', type === 'dragover');
    const file = event.dataTransfer?.files[0];
    if (type === 'drop' && file && !openButton.disabled) open(file);
  });
}

function startWorker() {
  const worker = new Worker(new URL('./analysis-worker.ts', import.meta.url), { type: 'module' });
  const call = callWorker<Analysis>(worker);
  call('load', assetsOfPage())
    .then(() => {
      for (const button of [cameraButton, drawnButton, openButton]) button.disabled = false;
      say('Ready.');
    })
    .catch((error: Error) => {
      say('');
      showNotice(`The network could not be loaded: ${error.message}`);
    });
  return call;
}

async function startCamera(): Promise<void> {
  await leave();
  const mine = turn;
  say('Waiting for the camera …');
  try {
    await openCamera(video);
    if (turn === mine) await follow('camera');
  } catch (error) {
    if (turn === mine) fail((error as Error).message);
  }
}

async function open(file: File): Promise<void> {
  await leave();
  const mine = turn;
  const kind = file.type.startsWith('video/') ? 'video' : 'picture';
  try {
    if (kind === 'video') {
      video.src = URL.createObjectURL(file);
      await follow('video');
    } else {
      await showPicture(await createImageBitmap(file));
    }
  } catch (error) {
    // Another source may have taken its place.
    if (turn !== mine) return;
    fail(error instanceof WorkerFailure ? error.message : `This browser cannot read ${file.name} as a ${kind}.`);
  }
}

async function showPicture(bitmap: ImageBitmap): Promise<void> {
  const mine = turn;
  source = 'picture';
  keep(bitmap, bitmap);
  readings.clear({ lines: false });
  refresh();
  say('Looking for faces …');
  const size = { width: bitmap.width, height: bitmap.height };
  const faces = await ask!('picture', bitmap, [bitmap]);
  if (turn !== mine) return;
  show(
    faces
      .sort((a, b) => a.box.x - b.box.x)
      .map(({ box, predictions }, i) => ({
        id: i + 1,
        box: shareOf(box, size),
        predictions,
        emotion: predictions[0].className,
      })),
    0,
  );
  const seen = shown.length === 0 ? NO_FACE : sentencesOf(shown);
  say(seen);
  live.now(seen);
}

/** Analyses one frame after another until the source changes or a video ends. */
async function follow(kind: 'camera' | 'video'): Promise<void> {
  source = kind;
  running = true;
  const mine = turn;
  readings.clear({ lines: true });
  refresh();
  say('Looking for faces …');
  const goesOn = () => turn === mine && running;
  await ask!('begin', null);
  if (!goesOn()) return;
  // Not before: on a slow machine, a short video would have ended.
  if (kind === 'video') {
    // Stopped while it loads, it rejects: that is no fault of the file.
    await video.play().catch((error) => {
      if (goesOn()) throw error;
    });
    if (!goesOn()) return;
    refresh();
  }
  const speed = speedometer();
  let told = 0;
  await eachFrame(video, goesOn, async (time) => {
    const { width, height } = sizeOfSource();
    const size = {
      width: Math.min(FRAME_WIDTH, width),
      height: Math.round((Math.min(FRAME_WIDTH, width) * height) / width),
    };
    const frame = await frameOf(video, size);
    const state = await ask!('frame', { frame, time }, [frame]);
    if (!goesOn()) return;
    show(
      state.faces.map(({ id, box, predictions, emotion }) => ({ id, box: shareOf(box, size), predictions, emotion })),
      time,
    );
    const sentences = sentencesOf(shown);
    say(sentences);
    live.later(sentences);
    speed.add(state.ms);
    if (performance.now() - told > 500) {
      told = performance.now();
      byId('speed').textContent = `${speed}`;
      byId('speed').hidden = `${speed}` === '';
    }
  });
  if (goesOn()) await stop();
}

function show(faces: ShownFace[], time: number): void {
  shown = faces;
  shownAt = time;
  readings.show(faces, time);
  // Nothing shows it later.
  if (!running) readings.paint();
  overlay.show(faces.map(drawnOf), lookOfBoxes());
  const label = sentencesOf(faces);
  if (boxes.ariaLabel !== label) boxes.ariaLabel = label;
}

function drawnOf(face: ShownFace): OverlayFace {
  return { ...face, caption: captionOf(face), shortCaption: shortCaptionOf(face), className: face.emotion };
}

function lookOfBoxes() {
  return { selected: readings.chosen, mirrored: source === 'camera', looks: LOOKS };
}

/** Stops the camera or the video; its last frame stays. */
async function stop(): Promise<void> {
  if (!running) return;
  keep(video, sizeOfSource());
  running = false;
  readings.paint();
  closeCamera(video);
  refresh();
  const summary = await ask!('summary', null);
  showSummary(summary);
  say('Stopped. The summary is below.');
  live.now('Stopped.');
  byId('summary').focus({ preventScroll: true });
  byId('summary').scrollIntoView({ block: 'nearest' });
}

/** Ends the current source. */
async function leave(): Promise<void> {
  turn++;
  running = false;
  closeCamera(video);
  if (video.src) URL.revokeObjectURL(video.src);
  video.removeAttribute('src');
  source = 'none';
  show([], 0);
  byId('summary').hidden = true;
  showNotice(null);
  refresh();
}

function fail(reason: string): void {
  leave();
  showNotice(reason);
  say('');
}

/** Stores a picture for display and saving. */
function keep(image: CanvasImageSource, { width, height }: { width: number; height: number }): void {
  Object.assign(still, { width, height });
  if (width > 0) still.getContext('2d')!.drawImage(image, 0, 0, width, height);
}

function refresh(): void {
  const some = source !== 'none';
  const { width, height } = some ? sizeOfSource() : { width: 4, height: 3 };
  byId('frame').style.setProperty('--ratio', `${width / height || 4 / 3}`);
  byId('frame').hidden = !some;
  byId('empty').hidden = some;
  video.hidden = !running;
  still.hidden = running;
  for (const shownImage of [video, still]) shownImage.classList.toggle('mirrored', source === 'camera');
  byId('frozen').hidden = running || !some || source === 'picture';
  if (!running) byId('speed').hidden = true;
  cameraButton.textContent = running ? 'Stop' : 'Start camera';
  cameraButton.classList.toggle('primary', !running);
  drawnButton.hidden = some;
  saveButton.hidden = !some;
  byId('readings').hidden = !some;
  const span = byId('span');
  span.hidden = !some || source === 'picture';
  span.textContent = running ? 'The last 20 seconds; the right edge is now.' : 'The last 20 seconds before the stop.';
  const words = byId<HTMLDetailsElement>('words');
  if (words.dataset.some !== `${some}`) words.open = !some;
  words.dataset.some = `${some}`;
}

/** The picture as displayed, with its boxes. */
function savePicture(): void {
  const { width, height } = sizeOfSource();
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d')!;
  if (source === 'camera') context.setTransform(-1, 0, 0, 1, width, 0);
  context.drawImage(running ? video : still, 0, 0);
  context.resetTransform();
  drawFaces(context, shown.map(drawnOf), lookOfBoxes(), Math.max(width, height) / 640);
  canvas.toBlob((png) => png && saveFile('faces.png', png), 'image/png');
}

function say(text: string): void {
  const status = byId('status');
  if (status.textContent !== text) status.textContent = text;
}

function sizeOfSource(): { width: number; height: number } {
  return running ? { width: video.videoWidth, height: video.videoHeight } : still;
}

function shareOf(box: ShownFace['box'], { width, height }: { width: number; height: number }): ShownFace['box'] {
  return { x: box.x / width, y: box.y / height, width: box.width / width, height: box.height / height };
}
