import type { AlbumFace } from './album.js';

/** A unique name for the file of a face. Letters, digits, `-` and `_`. */
export function faceName({ id, path, number }: Pick<AlbumFace, 'id' | 'path' | 'number'>): string {
  const name = path
    .split('/')
    .at(-1)!
    .replace(/\.[^.]*$/, '');
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 48);
  return `${String(id + 1).padStart(5, '0')}-${plain}-${number}`;
}
