/**
 * Faces found and classified: `npm run bench faces`; the memory as well by
 * `npm run build && node --expose-gc --import tsx test/bench/faces.ts --frames 2000`.
 *
 * Photos: faces found of 22, false ones, and milliseconds a photo (1920 pixels wide), of each detector by default and at
 * other sizes. Frames: milliseconds of one 640x480 frame with one face, beside face-api's tiny detector with its
 * expression network on the same frame; the two take turns, so that the machine's noise falls on both alike. All on TF.js's
 * `wasm` backend, one core.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { FACES } from '../../examples/node-classify/faces.js';
import { intersectionOverUnion } from '../../src/image/box.js';
import { resample } from '../../src/image/resample.js';
import { toPixels } from '../../src/image/to-pixels.js';
import {
  type BuiltInDetector,
  blazeFaceDetector,
  classifyFaces,
  createClassifier,
  faceApiDetector,
  type PixelImage,
  useBackend,
} from '../../src/index.js';

const PHOTOS = 'node_modules/@vladmandic/face-api/demo';
const ROUNDS = 40;
const flag = process.argv.indexOf('--frames');
const frames = flag < 0 ? 0 : Number(process.argv[flag + 1]);

await useBackend('wasm');
const photos = await Promise.all(
  Object.entries(FACES).map(async ([name, boxes]) => ({ image: await pixels(join(PHOTOS, name)), boxes })),
);
await onPhotos();
await onFrames();
if (frames > 0) await memory(frames);

async function onPhotos(): Promise<void> {
  const detectors: [string, BuiltInDetector][] = [
    ...[256, 320, 512].map((size): [string, BuiltInDetector] => [
      `blazeFaceDetector ${size}`,
      blazeFaceDetector({ inputSize: size }),
    ]),
    ...[224, 416, 608].map((size): [string, BuiltInDetector] => [
      `faceApiDetector ${size}`,
      faceApiDetector({ inputSize: size }),
    ]),
  ];
  console.log('six photos               found of 22  false  ms a photo: median (least)');
  for (const [name, detector] of detectors) {
    let hits = 0;
    let count = 0;
    const times: number[] = [];
    await detector.detect(photos[0].image);
    for (const { image, boxes } of photos) {
      const start = performance.now();
      const found = await detector.detect(image);
      times.push(performance.now() - start);
      count += found.length;
      hits += boxes.filter((box) => found.some((face) => intersectionOverUnion(face.box, box) > 0.25)).length;
    }
    console.log(
      `${name.padEnd(24)} ${hits.toString().padStart(11)}  ${String(count - hits).padStart(5)}  ${spread(times)}`,
    );
    detector.dispose();
  }
}

async function onFrames(): Promise<void> {
  const frame = oneFace();
  const ours = blazeFaceDetector();
  const { classify } = createClassifier({ backend: 'simd' });
  const detection: number[] = [];
  const rest: number[] = [];
  const whole: number[] = [];
  const peers = [224, 416].map((inputSize) => ({ inputSize, times: [] as number[] }));
  const faceApi = await faceApiPipeline();
  for (let round = -5; round < ROUNDS; round++) {
    let detected = 0;
    const timed: BuiltInDetector = {
      ...ours,
      async detect(image) {
        const start = performance.now();
        const found = await ours.detect(image);
        detected = performance.now() - start;
        return found;
      },
    };
    const start = performance.now();
    const faces = await classifyFaces(frame, { detector: timed, classifier: { classify } });
    const time = performance.now() - start;
    if (faces.length !== 1) throw new Error(`the frame holds one face, ${faces.length} were found`);
    const peerTimes: number[] = [];
    for (const { inputSize } of peers) {
      const from = performance.now();
      await faceApi(frame, inputSize);
      peerTimes.push(performance.now() - from);
    }
    if (round < 0) continue;
    whole.push(time);
    detection.push(detected);
    rest.push(time - detected);
    for (const [k, { times }] of peers.entries()) times.push(peerTimes[k]);
  }
  ours.dispose();

  const fps = (times: number[]) => `${(1000 / median(times)).toFixed(1)} frames a second`;
  console.log('\none 640x480 frame, one face: ms, median (least)');
  console.log(`classifyFaces            ${spread(whole)}  ${fps(whole)}`);
  console.log(`  detection              ${spread(detection)}`);
  console.log(
    `  crop and emotion       ${spread(rest)}  ${((100 * median(rest)) / median(whole)).toFixed(1)}% of the frame`,
  );
  for (const { inputSize, times } of peers) {
    console.log(`face-api, tiny at ${inputSize}    ${spread(times)}  ${fps(times)}`);
  }
}

/** Memory after 50 frames, and after all. */
async function memory(count: number): Promise<void> {
  const frame = oneFace();
  const detector = blazeFaceDetector();
  const measured = () => {
    globalThis.gc?.();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const megabytes = [rss, heapUsed, arrayBuffers].map((bytes) => (bytes / 1e6).toFixed(1));
    return `${tf.memory().numTensors} tensors; resident, heap, buffers: ${megabytes.join(', ')} MB`;
  };
  console.log('\nmemory');
  for (let k = 1; k <= count; k++) {
    await classifyFaces(frame, { detector });
    if (k === 50 || k === Math.round(count / 2) || k === count) console.log(`after ${k} frames: ${measured()}`);
  }
  detector.dispose();
}

async function pixels(path: string): Promise<PixelImage> {
  return (await toPixels(path)) as PixelImage;
}

/** The first face of the first photo with its surroundings, as a camera shows a person: 640x480, RGBA. */
function oneFace(): PixelImage {
  const box = { x: 381 + 120 - 320, y: 362 + 120 - 260, width: 640, height: 480 };
  const levels = resample(photos[0].image, { width: 640, height: 480, channels: 3, box });
  const data = new Uint8ClampedArray(640 * 480 * 4).fill(255);
  for (let k = 0; k < 640 * 480; k++) for (let c = 0; c < 3; c++) data[4 * k + c] = levels[3 * k + c];
  return { data, width: 640, height: 480, channels: 4 };
}

/** Its own way: tiny detector, then expressions of each face, on a tensor of the frame. */
async function faceApiPipeline(): Promise<(frame: PixelImage, inputSize: number) => Promise<void>> {
  const api = createRequire(import.meta.url)('@vladmandic/face-api/dist/face-api.node-wasm.js');
  await api.nets.tinyFaceDetector.loadFromDisk('node_modules/@vladmandic/face-api/model');
  await api.nets.faceExpressionNet.loadFromDisk('node_modules/@vladmandic/face-api/model');
  return async ({ data, width, height }, inputSize) => {
    // Of RGBA it takes the colours alone.
    const image = tf.tidy(() => tf.slice(tf.tensor3d(Float32Array.from(data), [height, width, 4]), 0, [-1, -1, 3]));
    const options = new api.TinyFaceDetectorOptions({ inputSize });
    const faces = await api.detectAllFaces(image, options).withFaceExpressions();
    image.dispose();
    if (faces.length !== 1) throw new Error(`the frame holds one face, face-api found ${faces.length}`);
  };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function spread(times: number[]): string {
  return `${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)})`.padEnd(16);
}
