import { csvCell } from '../../../src/safe-text.js';
import type { Album } from './album.js';

/** All faces as a table: one row per face, with its label, who labelled it, and the network's prediction. */
export function albumCsv(album: Album): string {
  const classes = [...(album.faces[0]?.predictions ?? [])].map(({ className }) => className).sort();
  const header = ['file', 'face', 'x', 'y', 'width', 'height', 'label', 'labelled_by', 'network', ...classes];
  const rows = album.shown({ by: 'all' }, 'found').map((face) => {
    const { path, number, box, mine, predictions } = face;
    const place = [box.x, box.y, box.width, box.height].map((pixels) => Math.round(pixels));
    const label = album.labelOf(face);
    const by = mine !== null ? 'you' : label === null ? '' : 'network';
    const shares = classes.map((name) => {
      const { probability } = predictions.find(({ className }) => className === name)!;
      return Number(probability.toFixed(4));
    });
    return [path, number, ...place, label ?? '', by, predictions[0].className, ...shares];
  });
  return [header, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}
