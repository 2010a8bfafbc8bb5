/**
 * Faces and what they show, by camera, picture or video: `npm run example:webcam` in the repository.
 * This file is the page; faces are found, classified and followed in `analysis-worker.ts`.
 */
import { byId } from '../../page-parts/elements.js';
import { closeCamera, openCamera } from '../../page-parts/open-camera.js';
import { saveFile } from '../../page-parts/save-file.js';
import { missingFromBrowser, showNotice } from '../../page-parts/show-notice.js';
import { callWorker, WorkerFailure } from '../../page-parts/worker-calls.js';
import type { Analysis, AnalysisEvent } from './analysis-worker.js';
import { drawBoxes } from './draw-boxes.js';
import { createReadings } from './readings.js';
import { showSummary } from './show-summary.js';
import { captionOf, type ShownFace } from './shown-face.js';

/** Frames are reduced to this width before they are looked at: a face that matters is then wide enough. */
const FRAME_WIDTH = 640;

type Source = 'none' | 'camera' | 'video' | 'picture';

const video = byId<HTMLVideoElement>('video');
const boxes = byId<HTMLCanvasElement>('boxes');
const context = boxes.getContext('2d')!;
const cameraButton = byId<HTMLButtonElement>('camera');
const openButton = byId<HTMLButtonElement>('open');
const saveButton = byId<HTMLButtonElement>('save');
const picker = byId<HTMLInputElement>('picker');
const view = byId('view');
const readings = createReadings();

let source: Source = 'none';
/** Counts sources, so that what comes late from an earlier one is known. */
let turn = 0;
let picture: ImageBitmap | null = null;
let shown: ShownFace[] = [];

readings.clear({ lines: true });
refresh();
const missing = missingFromBrowser();
const ask = missing ? null : startWorker();
if (missing) {
  showNotice(missing);
  say('');
}

cameraButton.addEventListener('click', () => (source === 'camera' || source === 'video' ? stop() : startCamera()));
openButton.addEventListener('click', () => picker.click());
saveButton.addEventListener('click', saveStill);
video.addEventListener('ended', stop);
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
byId('faces').addEventListener('choose', () => {
  if (source === 'picture') readings.show(shown, 0);
});

function startWorker() {
  const worker = new Worker(new URL('./analysis-worker.ts', import.meta.url), { type: 'module' });
  const call = callWorker<Analysis, AnalysisEvent>(worker, announce);
  call('load', null)
    .then(() => {
      cameraButton.disabled = false;
      openButton.disabled = false;
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
  try {
    await openCamera(video);
    await follow('camera');
  } catch (error) {
    fail((error as Error).message);
  }
}

async function open(file: File): Promise<void> {
  await leave();
  const kind = file.type.startsWith('video/') ? 'video' : 'picture';
  try {
    if (kind === 'video') {
      video.src = URL.createObjectURL(file);
      await video.play();
      await follow('video');
    } else {
      await showPicture(await createImageBitmap(file));
    }
  } catch (error) {
    fail(error instanceof WorkerFailure ? error.message : `This browser cannot read ${file.name} as a ${kind}.`);
  }
}

async function showPicture(bitmap: ImageBitmap): Promise<void> {
  picture = bitmap;
  source = 'picture';
  readings.clear({ lines: false });
  refresh();
  const copy = await createImageBitmap(bitmap);
  const faces = await ask!('picture', copy, [copy]);
  show(
    faces.map(({ box, predictions }, i) => ({
      id: i + 1,
      box: shareOf(box, bitmap),
      predictions,
      emotion: predictions[0].className,
    })),
    0,
  );
  const list = shown.map(({ id, emotion }) => `face ${id} looks ${emotion}`).join(', ');
  say(shown.length === 0 ? 'No face was found.' : `${list[0].toUpperCase()}${list.slice(1)}.`);
}

/** Looks at one frame after another for as long as the source stays. */
async function follow(kind: 'camera' | 'video'): Promise<void> {
  source = kind;
  const mine = turn;
  readings.clear({ lines: true });
  refresh();
  say('Looking for faces.');
  await ask!('begin', null);
  const began = performance.now();
  let frames = 0;
  let last = -1;
  while (turn === mine) {
    const media = await nextFrame();
    if (turn !== mine) break;
    const time = kind === 'video' ? media * 1000 : performance.now() - began;
    if (time <= last) continue;
    last = time;
    const height = Math.round((FRAME_WIDTH * video.videoHeight) / video.videoWidth);
    const bitmap = await createImageBitmap(video, { resizeWidth: FRAME_WIDTH, resizeHeight: height });
    const state = await ask!('frame', { bitmap, time }, [bitmap]);
    if (turn !== mine) break;
    frames++;
    const size = { width: FRAME_WIDTH, height };
    show(
      state.faces.map(({ id, box, predictions, emotion }) => ({ id, box: shareOf(box, size), predictions, emotion })),
      time,
    );
    if (frames % 10 === 0) {
      byId('speed').textContent = `${Math.round((1000 * frames) / (performance.now() - began))} frames a second`;
    }
  }
}

/** Waits for the next frame of the video; resolves to its time in the video, in seconds. */
function nextFrame(): Promise<number> {
  return new Promise((resolve) => {
    const fallback = setTimeout(() => resolve(video.currentTime), 250);
    video.requestVideoFrameCallback?.((_, { mediaTime }) => {
      clearTimeout(fallback);
      resolve(mediaTime);
    });
  });
}

function show(faces: ShownFace[], time: number): void {
  shown = faces;
  const { width, height } = sizeOfSource();
  if (boxes.width !== width) boxes.width = width;
  if (boxes.height !== height) boxes.height = height;
  context.clearRect(0, 0, width, height);
  if (picture) context.drawImage(picture, 0, 0);
  drawBoxes(context, faces, source === 'camera');
  const captions = faces.map((face) => `face ${captionOf(face)}`).join(', ');
  const label = faces.length === 0 ? 'No face in sight' : `In sight: ${captions}`;
  if (boxes.ariaLabel !== label) boxes.ariaLabel = label;
  readings.show(faces, time);
}

async function stop(): Promise<void> {
  await leave();
  const summary = await ask!('summary', null);
  showSummary(summary);
  say('Stopped. The summary is below.');
  byId('summary').focus();
}

/** Ends what is shown now. */
async function leave(): Promise<void> {
  turn++;
  closeCamera(video);
  if (video.src) URL.revokeObjectURL(video.src);
  video.removeAttribute('src');
  picture?.close();
  picture = null;
  shown = [];
  source = 'none';
  byId('summary').hidden = true;
  byId('speed').textContent = '';
  showNotice(null);
  refresh();
}

function fail(reason: string): void {
  leave();
  showNotice(reason);
  say('');
}

function refresh(): void {
  const running = source === 'camera' || source === 'video';
  video.hidden = !running;
  boxes.hidden = source === 'none';
  byId('empty').hidden = source !== 'none';
  view.classList.toggle('empty', source === 'none');
  video.classList.toggle('mirrored', source === 'camera');
  cameraButton.textContent = running ? 'Stop' : 'Start camera';
  saveButton.disabled = source === 'none';
  if (running) {
    boxes.width = video.videoWidth;
    boxes.height = video.videoHeight;
  }
}

/** The picture as it is seen now, with its boxes. */
function saveStill(): void {
  const { width, height } = sizeOfSource();
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const still = canvas.getContext('2d')!;
  if (picture) still.drawImage(picture, 0, 0);
  else {
    if (source === 'camera') still.setTransform(-1, 0, 0, 1, width, 0);
    still.drawImage(video, 0, 0);
    still.resetTransform();
  }
  drawBoxes(still, shown, source === 'camera');
  canvas.toBlob((png) => png && saveFile('still.png', png), 'image/png');
}

function announce(event: AnalysisEvent): void {
  if ('to' in event) say(`Face ${event.id} looks ${event.to}.`);
  else say(event.type === 'found' ? `Face ${event.id} came into sight.` : `Face ${event.id} went out of sight.`);
}

function say(text: string): void {
  byId('status').textContent = text;
}

function sizeOfSource(): { width: number; height: number } {
  return picture ?? { width: video.videoWidth, height: video.videoHeight };
}

function shareOf(box: ShownFace['box'], { width, height }: { width: number; height: number }): ShownFace['box'] {
  return { x: box.x / width, y: box.y / height, width: box.width / width, height: box.height / height };
}
