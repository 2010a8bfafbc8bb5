import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { blazeFaceDetector, type Detection } from '../../src/lite.js';
import { DRAWN } from './drawn-images.js';
import { flat, type GoldenFaces } from './golden-faces.js';

/** A picture of `drawn.bin`: its pixels begin at byte `at`. */
export interface DrawnEntry {
  name: string;
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  at: number;
}

/** Builds whose arithmetic is the same on every machine: they must give the same faces to the last bit. */
export const EXACT_BUILDS = ['simd', 'scalar'] as const;

/** All drawn pictures but the largest ones, which take most of the time. */
const PICTURES = new Map(
  Object.entries(DRAWN)
    .filter(([name]) => !/801x600|1023x769/.test(name))
    .map(([name, draw]) => [name, draw()]),
);

/** Writes the pixels of the drawn pictures into one file, for programs that are not this one. */
export function writeDrawn(folder: string): DrawnEntry[] {
  const entries: DrawnEntry[] = [];
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { data, width, height, channels }] of PICTURES) {
    entries.push({ name, width, height, channels: channels as 1 | 3 | 4, at });
    parts.push(Uint8Array.from(data));
    at += data.length;
  }
  writeFileSync(join(folder, 'drawn.bin'), Buffer.concat(parts));
  return entries;
}

/** The faces that this process finds on the drawn pictures with one build. */
export function facesHere(build: string): Promise<Record<string, Detection[]>> {
  let found = here.get(build);
  if (found === undefined) {
    found = findHere(build);
    here.set(build, found);
  }
  return found;
}

const here = new Map<string, Promise<Record<string, Detection[]>>>();

async function findHere(build: string): Promise<Record<string, Detection[]>> {
  const file = `faces-${build}.wasm`;
  const detector = blazeFaceDetector({ inputSize: 256, assets: { [file]: `dist/wasm/${file}` } });
  const found: Record<string, Detection[]> = {};
  for (const [name, image] of PICTURES) found[name] = await detector.detect(image);
  detector.dispose();
  return found;
}

/** As TF.js finds them: boxes and points to half a pixel, scores to 1e-3. */
export function expectGolden(found: Record<string, Detection[]>, golden: GoldenFaces['drawn']): void {
  expect(Object.keys(found)).toEqual([...PICTURES.keys()]);
  for (const [name, faces] of Object.entries(found)) {
    expect(faces.length, name).toBe(golden[name].faces.length);
    faces.forEach((face, index) => {
      const [score, ...place] = flat(face);
      const [goldenScore, ...goldenPlace] = golden[name].faces[index];
      expect(Math.abs(score - goldenScore), name).toBeLessThan(1e-3);
      for (const [k, value] of place.entries()) expect(Math.abs(value - goldenPlace[k]), name).toBeLessThan(0.5);
    });
  }
}
