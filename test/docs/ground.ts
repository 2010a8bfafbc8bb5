import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { FACES } from '../../examples/node-classify/faces.js';
import { EMOTIONS } from '../../src/emotions.js';
import { runProgram } from '../package/run-node.js';

const PHOTOS = 'node_modules/@vladmandic/face-api/demo';

/**
 * Makes a folder with what the documents' programs read: `photo.jpg` with several faces, `face.jpg` and others cut out of
 * it, `faces/<class>/*.png` drawn, the same as `data/train` and `data/valid`, two other classes in `data/attention`, `data/votes.csv`, and `clip.mp4` where there is an ffmpeg.
 */
export async function makeGround(folder: string): Promise<string> {
  const ground = mkdtempSync(join(folder, 'ground-'));
  const [photo, [left, middle, right]] = Object.entries(FACES)[0];
  for (const name of ['photo.jpg', 'party.jpg']) cpSync(join(PHOTOS, photo), join(ground, name));
  for (const [name, { x, y, width, height }] of Object.entries({ 'face.jpg': middle, 'a.jpg': left, 'b.png': right })) {
    await sharp(join(PHOTOS, photo)).extract({ left: x, top: y, width, height }).toFile(join(ground, name));
  }
  for (const [root, count] of Object.entries({ faces: 10, 'data/train': 8, 'data/valid': 3 })) {
    for (const [label, emotion] of EMOTIONS.entries()) await drawFaces(join(ground, root, emotion), label, count);
  }
  for (const [label, name] of ['bored', 'attentive'].entries()) {
    await drawFaces(join(ground, 'data/attention', name), 4 * label, 6);
  }
  const rows = readdirSync(join(ground, 'data/train'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.png'))
    .map((file) => `train/${file},${EMOTIONS.map((emotion) => (file.startsWith(emotion) ? 9 : 1)).join(',')}`);
  writeFileSync(join(ground, 'data/votes.csv'), `file,${EMOTIONS.join(',')}\n${rows.join('\n')}\n`);
  await runProgram(
    'ffmpeg',
    [...'-loglevel error -loop 1 -i photo.jpg -t 1 -r 10'.split(' '), 'clip.mp4'],
    ground,
  ).catch(() => {});
  return ground;
}

/** A copy of the ground, so that programs do not see what others wrote. */
export function copyGround(ground: string): string {
  const folder = mkdtempSync(join(ground, '..', 'block-'));
  cpSync(ground, folder, { recursive: true });
  return folder;
}

/** Puts an example of this repository into a folder of its own, as a stranger would copy it. */
export function copyExample(name: string, ground: string): string {
  const folder = copyGround(ground);
  cpSync(join('examples', name), folder, { recursive: true });
  return folder;
}

/** Faces of one class: a mouth that bends as the class says, each a little different. */
async function drawFaces(folder: string, label: number, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const bend = 10 * label - 20 + (i % 3);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48">
      <rect width="48" height="48" fill="hsl(${37 * i} 30% ${30 + 3 * i}%)"/>
      ${spots(100 * label + i)}
      <ellipse cx="${23 + (i % 3)}" cy="24" rx="12" ry="16" fill="#d9b496"/>
      <circle cx="19" cy="20" r="2"/><circle cx="28" cy="20" r="${1 + (i % 2)}"/>
      <path d="M16 32 Q24 ${32 + bend / 2} 31 32" stroke="#702" stroke-width="2" fill="none"/>
    </svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(folder, `${label}-${i}.png`));
  }
}

/** So that no two faces are near duplicates of each other. */
function spots(seed: number): string {
  const at = (k: number, range: number) => ((seed + 7) * (k + 3) * 7919) % range;
  const spot = (k: number) =>
    `<rect x="${at(k, 47)}" y="${at(k + 31, 43)}" width="14" height="14" fill="hsl(${at(k, 359)} 40% ${at(k + 17, 97)}%)"/>`;
  return Array.from({ length: 14 }, (_, k) => spot(k)).join('');
}
