/**
 * Measures how to convert the box of each detector to the crop of the network's training, and the effect on accuracy:
 * `npm run detectors:calibrate [folder of FER+ [use one face in n]]`, by default `../shared/ferplus 1`; some minutes. The first table is the
 * `framing` in each detector's file; the second is in docs/faces.md.
 *
 * A FER+ face, 48x48, is enlarged to SIDE pixels in a picture of SIZE whose rest repeats its edges. Framing: over every
 * tenth face of `train` where the detector finds one face, the medians of the conversion from its box to the face's whole
 * crop. Gain: over every third face of `valid`, upright, and turned by 25 degrees to either side, the accuracy on the
 * crop that was pasted, on the raw box, and on the framed crop; of the faces that the detector found.
 */
import { join } from 'node:path';
import { cropOf } from '../src/faces/crop-of.js';
import { resample } from '../src/image/resample.js';
import { straighten } from '../src/image/straighten.js';
import { toPixels } from '../src/image/to-pixels.js';
import {
  type BuiltInDetector,
  blazeFaceDetector,
  type Crop,
  createClassifier,
  type Detection,
  EMOTIONS,
  faceApiDetector,
  type PixelImage,
  useBackend,
} from '../src/index.js';
import { imageFolder } from '../src/node.js';

const SIZE = 320;
const SIDE = 160;
const LEAN = (25 / 180) * Math.PI;

const folder = process.argv[2] ?? '../shared/ferplus';
/** For a quick run: use one in this many faces. */
const sparse = Number(process.argv[3] ?? 1);
await useBackend('wasm');
const { classify } = createClassifier({ backend: 'simd' });
for (const detector of [blazeFaceDetector(), faceApiDetector()]) {
  await calibrate(detector);
  for (const lean of [0, LEAN]) await compare(detector, lean);
  detector.dispose();
}

async function calibrate(detector: BuiltInDetector): Promise<void> {
  const scale: number[] = [];
  const right: number[] = [];
  const down: number[] = [];
  let seen = 0;
  for await (const { image } of everyNth('train', 10)) {
    seen++;
    const found = await only(detector, padded(image));
    if (found === undefined) continue;
    const { box } = found;
    const size = Math.sqrt(box.width * box.height);
    scale.push(SIDE / size);
    right.push((SIZE / 2 - box.x - box.width / 2) / size);
    down.push((SIZE / 2 - box.y - box.height / 2) / size);
  }
  const [scales, rights, downs] = [scale, right, down].map((values) => {
    values.sort((a, b) => a - b);
    const at = (share: number) => values[Math.floor(share * values.length)].toFixed(3);
    return `${at(0.5)} (quartiles ${at(0.25)} to ${at(0.75)})`;
  });
  console.log(`${detector.name}: found ${scale.length} of ${seen}; scale ${scales}, right ${rights}, down ${downs}`);
}

async function compare(detector: BuiltInDetector, lean: number): Promise<void> {
  const whole = { x: (SIZE - SIDE) / 2, y: (SIZE - SIDE) / 2, width: SIDE, height: SIDE };
  const right = { pasted: 0, 'raw box': 0, 'framed crop': 0, 'framed crop, not turned': 0 };
  let seen = 0;
  let count = 0;
  for await (const { image, label } of everyNth('valid', 3)) {
    const angle = seen++ % 2 === 0 ? lean : -lean;
    const picture = turned(padded(image), angle);
    const found = await only(detector, picture);
    if (found === undefined) continue;
    count++;
    const crops: Record<keyof typeof right, Crop> = {
      pasted: { ...whole, angle },
      'raw box': found.box,
      'framed crop': cropOf(found, detector.framing),
      'framed crop, not turned': cropOf({ ...found, keypoints: undefined }, detector.framing),
    };
    for (const [name, box] of Object.entries(crops) as [keyof typeof right, Crop][]) {
      const [{ className }] = await classify(picture, { box, topk: 1 });
      if (className === EMOTIONS[label]) right[name]++;
    }
  }
  const shares = Object.entries(right).map(([name, hits]) => `${name} ${((100 * hits) / count).toFixed(1)}%`);
  console.log(`  ${lean === 0 ? 'upright' : 'leaning'}: found ${count} of ${seen}; ${shares.join(', ')}`);
}

async function* everyNth(split: string, n: number): AsyncGenerator<{ image: PixelImage; label: number }> {
  const { files } = imageFolder(join(folder, split));
  for (let index = 0; index < files.length; index += n * sparse) {
    yield { image: (await toPixels(files[index].path)) as PixelImage, label: files[index].label };
  }
}

async function only(detector: BuiltInDetector, picture: PixelImage): Promise<Detection | undefined> {
  const found = await detector.detect(picture);
  return found.length === 1 ? found[0] : undefined;
}

/** The face in the middle of a larger picture. */
function padded(face: PixelImage): PixelImage {
  const side = (face.width * SIZE) / SIDE;
  const box = { x: (face.width - side) / 2, y: (face.height - side) / 2, width: side, height: side };
  return greyOf(resample(face, { width: SIZE, height: SIZE, box }));
}

/** The picture with its content rotated clockwise by `angle`. */
function turned(picture: PixelImage, angle: number): PixelImage {
  if (angle === 0) return picture;
  return greyOf(straighten(picture, { x: 0, y: 0, width: SIZE, height: SIZE, angle: -angle }, SIZE, 1));
}

function greyOf(levels: Float32Array): PixelImage {
  return { data: Uint8ClampedArray.from(levels), width: SIZE, height: SIZE, channels: 1 };
}
