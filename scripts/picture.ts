/**
 * Draws `docs/picture.svg`, the picture of the README: `npm run picture`. Places and probabilities are what `classify` says
 * of three faces on a real photo; the faces themselves are drawn, so that nobody's is in this repository.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Box, classify, EMOTIONS, type Emotion, type Prediction } from 'fer-dcnn';
import { FACES } from '../examples/node-classify/faces.js';

const PHOTO = 'sample1.jpg';
const photo = fileURLToPath(new URL(`../node_modules/@vladmandic/face-api/demo/${PHOTO}`, import.meta.url));

const EYES = '<circle class="dark" cx="-17" cy="-4" r="4.5"/><circle class="dark" cx="17" cy="-4" r="4.5"/>';

/** Brows, eyes and mouth. */
const FEATURES: Record<Emotion, string> = {
  angry: `<path class="line" d="M-27 -20 L-9 -13 M27 -20 L9 -13"/>${EYES}<path class="line" d="M-15 27 Q0 19 15 27"/>`,
  happy: `<path class="line" d="M-26 -17 Q-17 -22 -9 -17 M9 -17 Q17 -22 26 -17"/>
<path class="line" d="M-23 -3 Q-17 -9 -11 -3 M11 -3 Q17 -9 23 -3"/><path class="mouth" d="M-21 17 Q0 22 21 17 Q14 38 0 38 Q-14 38 -21 17Z"/>`,
  sad: `<path class="line" d="M-26 -13 L-10 -20 M26 -13 L10 -20"/>${EYES}<path class="line" d="M-14 29 Q0 19 14 29"/>`,
  neutral: `<path class="line" d="M-26 -17 L-9 -17 M26 -17 L9 -17"/>${EYES}<path class="line" d="M-14 25 L14 25"/>`,
  surprised: `<path class="line" d="M-26 -21 Q-17 -29 -8 -21 M8 -21 Q17 -29 26 -21"/>${EYES}<ellipse class="mouth" cy="27" rx="9" ry="12"/>`,
};

const WIDTH = 880;
const HEIGHT = 290;
const boxes = FACES[PHOTO].slice(0, 3);
const panels = await Promise.all(boxes.map(async (box, i) => panel(i, box, await classify(photo, { box }))));

writeFileSync(
  'docs/picture.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="14">
<title>What classify says of three faces</title>
<style>
  .ground { fill: #f6f8fa; stroke: #d1d9e0 }
  .text { fill: #59636e } .best { fill: #1f2328; font-weight: 600 }
  .track { fill: #e6eaef } .bar { fill: #818b98 } .bar.best { fill: #0969da }
  .box { fill: none; stroke: #0969da; stroke-width: 2.5 }
  .skin { fill: #f2d5b8 } .skin.b { fill: #a9714b } .skin.c { fill: #d9a679 }
  .line { fill: none; stroke: #3b2a20; stroke-width: 4; stroke-linecap: round } .dark { fill: #3b2a20 } .mouth { fill: #7a2e2e }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #151b23; stroke: #3d444d }
    .text { fill: #9198a1 } .best { fill: #f0f6fc }
    .track { fill: #2a313c } .bar { fill: #656c76 } .bar.best { fill: #4493f8 }
    .box { stroke: #4493f8 }
  }
</style>
<rect class="ground" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>
${panels.join('\n')}
</svg>
`,
);

/** A third of the picture: a face in its box, and five bars. */
function panel(index: number, { x, y }: Box, predictions: Prediction[]): string {
  const left = 24 + index * 285;
  const bars = EMOTIONS.map((name, row) => {
    const { probability } = predictions.find(({ className }) => className === name)!;
    const best = name === predictions[0].className ? ' best' : '';
    const top = 160 + 24 * row;
    return `<text class="text${best}" x="${left}" y="${top + 11}">${name}</text>
<rect class="track" x="${left + 78}" y="${top}" width="120" height="13" rx="3"/>
<rect class="bar${best}" x="${left + 78}" y="${top}" width="${Math.max(120 * probability, 1.5).toFixed(1)}" height="13" rx="3"/>
<text class="text${best}" x="${left + 244}" y="${top + 11}" text-anchor="end">${probability.toFixed(2)}</text>`;
  });
  return `<g>
${face(left + 61.5, 80, 'abc'[index], predictions[0].className)}
<rect class="box" x="${left + 1.5}" y="20" width="120" height="120"/>
<text class="text" x="${left + 136}" y="33">x ${x}, y ${y}</text>
${bars.join('\n')}
</g>`;
}

function face(x: number, y: number, skin: string, emotion: Emotion): string {
  return `<g transform="translate(${x} ${y})">
<ellipse class="skin ${skin}" rx="46" ry="54"/>
<path class="dark" d="M-46 -8 C-52 -70 52 -70 46 -8 C40 -34 14 -38 -4 -36 C-24 -34 -42 -30 -46 -8Z"/>
${FEATURES[emotion]}
</g>`;
}
