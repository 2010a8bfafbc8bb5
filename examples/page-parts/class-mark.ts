import type { ClassLook } from './class-look.js';
import { element } from './elements.js';

/** A small sign of a class, beside its name: a drawn expression for the five emotions, letters for any other class. */
export function classMark(name: string, { color, letters }: ClassLook): HTMLElement {
  const mark = element('span', { class: 'mark', 'aria-hidden': 'true' });
  mark.style.setProperty('--class', color);
  const paths = FACES[name];
  if (paths === undefined) mark.append(letters);
  else mark.append(face(paths));
  return mark;
}

/** Eyes, brows and mouth, in a square of 24. */
const FACES: Record<string, string> = {
  angry: 'M7 8.5 L10 10.2 M17 8.5 L14 10.2 M8.8 12 v.01 M15.2 12 v.01 M8.5 17 Q12 14.2 15.5 17',
  happy: 'M8.8 10 v.01 M15.2 10 v.01 M7.5 13.5 Q12 20 16.5 13.5 Z',
  sad: 'M7.2 9.6 L10 8.2 M16.8 9.6 L14 8.2 M8.8 11.5 v.01 M15.2 11.5 v.01 M8.8 17.2 Q12 14.4 15.2 17.2',
  neutral: 'M8.8 10.5 v.01 M15.2 10.5 v.01 M8.5 16 L15.5 16',
  surprised:
    'M7.2 7.4 Q8.8 6 10.4 7.4 M13.6 7.4 Q15.2 6 16.8 7.4 M8.8 10.5 v.01 M15.2 10.5 v.01 M10.3 16 a1.7 2.2 0 1 0 3.4 0 a1.7 2.2 0 1 0 -3.4 0',
};

const SVG = 'http://www.w3.org/2000/svg';

function face(paths: string): SVGElement {
  const root = document.createElementNS(SVG, 'svg');
  root.setAttribute('viewBox', '3 3 18 18');
  const lines = document.createElementNS(SVG, 'path');
  lines.setAttribute('d', paths);
  root.append(lines);
  return root;
}
