/** The page of `npm run bench:browser`: measures the faces of `fer-dcnn/lite` on one drawn frame. */
import { drawnFace } from '../../../examples/page-parts/drawn-face.js';

/** What is measured; times are medians, in ms. */
export interface BrowserFigures {
  /** From the import of the package to the first faces: download, compilation and one frame. */
  first: number;
  faces: number;
  detect: number;
  /** Of one face. */
  classify: number;
  /** `classifyFaces`: a frame, with all its faces. */
  frame: number;
  /** `tracker.update`: most frames are searched around the last places alone. */
  track: number;
}

const WIDTH = 640;
const HEIGHT = 480;
const ROUNDS = 50;

const figures = measure();
Object.assign(globalThis, { figures });
figures.then(
  (found) => {
    document.querySelector('#figures')!.textContent = JSON.stringify(found, null, 2);
  },
  (error: Error) => {
    document.querySelector('#figures')!.textContent = `${error.stack ?? error}`;
  },
);

async function measure(): Promise<BrowserFigures> {
  const image = await drawFrame();
  const began = performance.now();
  const { blazeFaceDetector, classifyFaces, createClassifier, createTracker } = await import('fer-dcnn/lite');
  const faces = await classifyFaces(image);
  const first = performance.now() - began;

  const detector = blazeFaceDetector();
  const classifier = createClassifier();
  const pixels = { data: new Uint8Array(image.data), width: WIDTH, height: HEIGHT, channels: 4 as const };
  const tracker = createTracker();
  let time = 0;
  return {
    first,
    faces: faces.length,
    detect: await median(() => detector.detect(pixels)),
    classify: await median(() => classifier.classify(image, { box: faces[0].crop })),
    frame: await median(() => classifyFaces(image)),
    track: await median(() => {
      time += 17;
      return tracker.update(image, time);
    }),
  };
}

/** Many calls a sample: browsers round their clocks to as much as a millisecond. */
async function median(work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 5; i++) await work();
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i += 5) {
    const began = performance.now();
    for (let call = 0; call < 5; call++) await work();
    times.push((performance.now() - began) / 5);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

async function drawFrame(): Promise<ImageData> {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#c9d3e0';
  context.fillRect(0, 0, WIDTH, HEIGHT);
  for (const [i, expression] of (['happy', 'surprised'] as const).entries()) {
    const face = new Image();
    face.src = `data:image/svg+xml,${encodeURIComponent(drawnFace(expression, i))}`;
    await face.decode();
    context.drawImage(face, 10 + 310 * i, 90, 300, 300);
  }
  return context.getImageData(0, 0, WIDTH, HEIGHT);
}
