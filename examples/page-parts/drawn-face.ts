/** The five expressions that are drawn. */
export type DrawnExpression = 'angry' | 'happy' | 'sad' | 'neutral' | 'surprised';

/** Pixels of a side of what {@link drawnFace} draws. */
export const DRAWN_SIZE = 320;

/**
 * Draws an invented face as SVG, to try pages without a camera or pictures, and for tests. The detector finds it like a face
 * in a photo.
 *
 * @param who - Any whole number from 0: the same number draws the same person.
 */
export function drawnFace(expression: DrawnExpression, who = 0): string {
  const round = Math.floor(who / SKINS.length);
  const skin = SKINS[who % SKINS.length];
  const hair = HAIRS[(who + 3 * round) % HAIRS.length];
  const ground = GROUNDS[(who + round) % GROUNDS.length];
  const wide = 64 + (who % 3) * 3;
  // The first six sit straight; the others tilt the head a little.
  const tilt = ((round * 5) % 13) - (round % 2) * 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-160 -160 320 320" width="${DRAWN_SIZE}" height="${DRAWN_SIZE}">
<defs>
<radialGradient id="s" cx="45%" cy="40%" r="65%"><stop offset="0" stop-color="${skin[0]}"/><stop offset="1" stop-color="${skin[1]}"/></radialGradient>
<filter id="b" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="5"/></filter>
</defs>
<rect x="-160" y="-160" width="320" height="320" fill="${ground}"/>
<path d="M-120 160 Q-116 112 -62 100 L-30 88 L30 88 L62 100 Q116 112 120 160Z" fill="${SHIRTS[who % SHIRTS.length]}"/>
<g transform="rotate(${tilt}) scale(${1 + (round % 3) * 0.06})">
<path d="M-27 50 L-27 96 Q0 116 27 96 L27 50Z" fill="${skin[1]}"/>
${who % 2 === 1 ? `<path d="M-${wide + 14} 70 C-${wide + 24} -130 ${wide + 24} -130 ${wide + 14} 70 L${wide - 8} 70 L${wide - 8} -20 L-${wide - 8} -20 L-${wide - 8} 70Z" fill="${hair}"/>` : ''}
<path d="M-${wide} -24 C-${wide} -118 ${wide} -118 ${wide} -24 C${wide} 30 ${wide - 22} 84 0 86 C-${wide - 22} 84 -${wide} 30 -${wide} -24Z" fill="url(#s)"/>
<path d="M-${wide + 3} -16 C-${wide + 18} -138 ${wide + 18} -138 ${wide + 3} -16 C${wide - 6} -54 ${wide - 24} -66 10 -72 C-30 -70 -${wide - 8} -62 -${wide + 3} -16Z" fill="${hair}"/>
<g fill="${skin[2]}" opacity=".38" filter="url(#b)"><ellipse cx="-27" cy="-10" rx="19" ry="10"/><ellipse cx="27" cy="-10" rx="19" ry="10"/><path d="M-9 -6 L-15 28 Q0 38 15 28 L9 -6Z" opacity=".7"/></g>
<path d="M-10 26 Q-13 32 -5 33 Q0 37 5 33 Q13 32 10 26" fill="none" stroke="${skin[2]}" stroke-width="3" stroke-linecap="round"/>
${FEATURES[expression](skin[2], hair)}
</g>
</svg>`;
}

/** Light, shade and line. */
const SKINS = [
  ['#f6dcc4', '#d9ab86', '#8a5a3c'],
  ['#b98258', '#8f5c38', '#4a2c18'],
  ['#e6bd95', '#c48f62', '#7a4c2c'],
  ['#8d5f40', '#653f28', '#331d10'],
  ['#f3d0b4', '#d7a083', '#8e5340'],
  ['#d3a077', '#a8734b', '#5e3920'],
];
const HAIRS = ['#3b2a20', '#1f1814', '#6d4426', '#15110f', '#a26b34', '#2a1d18'];
const GROUNDS = ['#cfd8dc', '#d9d2c5', '#c5d3c8', '#d5cbd8', '#c9d3e0', '#ddd6cc'];
const SHIRTS = ['#4a6572', '#7a5c58', '#51705b', '#5c5478', '#465b82', '#77663f'];

function eyes(lid: string, open: number): string {
  const one = (x: number) =>
    `<ellipse cx="${x}" cy="-10" rx="13" ry="${open}" fill="#f7f4ef"/><circle cx="${x}" cy="-10" r="${Math.min(6.5, open)}" fill="#33251d"/><path d="M${x - 14} -9 Q${x} ${-11 - 2 * open + open * 0.6} ${x + 14} -9" fill="none" stroke="${lid}" stroke-width="3.5" stroke-linecap="round"/>`;
  return one(-27) + one(27);
}

function brows(path: string, hair: string, width = 6.5): string {
  return `<g fill="none" stroke="${hair}" stroke-width="${width}" stroke-linecap="round"><path d="${path}"/><path d="${path}" transform="scale(-1 1)"/></g>`;
}

type Draw = (line: string, hair: string) => string;

const FEATURES: Record<DrawnExpression, Draw> = {
  angry: (line, hair) =>
    `${eyes(line, 5)}${brows('M-48 -38 Q-26 -30 -8 -16', hair, 9)}<path d="M-5 -32 L-3 -20 M5 -32 L3 -20" stroke="${line}" stroke-width="2.5"/>
<path d="M-25 66 Q-10 48 0 50 Q10 48 25 66" fill="none" stroke="#7a3030" stroke-width="6" stroke-linecap="round"/>`,
  happy: (line, hair) =>
    `${eyes(line, 6)}${brows('M-45 -32 Q-28 -41 -12 -33', hair)}
<path d="M-33 44 Q0 54 33 44 Q24 74 0 75 Q-24 74 -33 44Z" fill="#6d2424"/><path d="M-28 47 Q0 56 28 47 Q24 58 0 60 Q-24 58 -28 47Z" fill="#fbf8f3"/>
<path d="M-38 40 Q-44 46 -38 54 M38 40 Q44 46 38 54" fill="none" stroke="${line}" stroke-width="2.5" stroke-linecap="round"/>`,
  sad: (line, hair) =>
    `${eyes(line, 5)}${brows('M-46 -22 Q-28 -30 -12 -38', hair)}
<path d="M-20 64 Q0 50 20 64" fill="none" stroke="#6a2626" stroke-width="6" stroke-linecap="round"/><path d="M-10 72 Q0 69 10 72" fill="none" stroke="#7a3a38" stroke-width="2.5"/>`,
  neutral: (line, hair) =>
    `${eyes(line, 8)}${brows('M-45 -31 Q-28 -38 -12 -32', hair)}
<path d="M-22 53 Q-8 52 0 54 Q8 52 22 53 Q0 63 -22 53Z" fill="#9a5450" stroke="#7a3a38" stroke-width="2.5"/>`,
  surprised: (line, hair) =>
    `${eyes(line, 13)}${brows('M-45 -42 Q-28 -56 -12 -46', hair)}
<ellipse cy="60" rx="13" ry="18" fill="#5c1f1f" stroke="#8a4644" stroke-width="4"/>`,
};
