import { classLooks } from '../../page-parts/class-look.js';
import { classMark } from '../../page-parts/class-mark.js';
import type { Album } from './album.js';

/** The mark of a label beside its name, by its index among the labels, as on the other pages. */
export function markOf(label: string, { labels }: Pick<Album, 'labels'>): HTMLElement {
  const names = labels.includes(label) ? labels : [...labels, label];
  return classMark(label, classLooks(names).get(label)!);
}
