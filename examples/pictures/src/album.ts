import type { Box, Prediction } from 'fer-dcnn/lite';
import type { Picture } from './look-through.js';
import type { FoundFace } from './looking-worker.js';

/** A face of the album. */
export interface AlbumFace {
  id: number;
  /** Path of its picture. */
  path: string;
  /** Index of its picture, in the order of choosing. */
  place: number;
  /** Number on its picture, from 1. */
  number: number;
  box: Box;
  predictions: readonly Prediction[];
  cut: Blob;
  /** Address of `cut`, for an `<img>`. */
  address: string;
  /** The user's label; null without one. */
  mine: string | null;
}

export type Order = 'found' | 'expression' | 'unsure' | 'sure';

/** Which faces are shown: all, those of a label, those without one, or those that the user labelled. */
export type Filter = { by: 'all' } | { by: 'label'; label: string } | { by: 'unlabelled' } | { by: 'mine' };

/** The found faces and their labels. */
export interface Album {
  readonly faces: readonly AlbumFace[];
  /** Names of labels. */
  readonly labels: readonly string[];
  add(picture: Picture, found: readonly FoundFace[]): void;
  clear(): void;
  /** The label of a face: the user's, or else the network's if it is one of the labels. */
  labelOf(face: AlbumFace): string | null;
  shown(filter: Filter, order: Order): AlbumFace[];
  /** @returns Whether the name was new. */
  addLabel(name: string): boolean;
  /** Removes a label, also from the faces that have it. */
  removeLabel(name: string): void;
  /** Names of the folders of the pictures, if there are several. */
  folderNames(): string[];
  /** Labels every face with the name of its folder. */
  labelByFolder(): void;
}

/** @param labels - The initial labels. */
export function createAlbum(labels: readonly string[]): Album {
  let faces: AlbumFace[] = [];
  let names = [...labels];
  let count = 0;

  const album: Album = {
    get faces() {
      return faces;
    },
    get labels() {
      return names;
    },
    add({ path, place = 0 }, found) {
      for (const [i, { box, predictions, cut }] of found.entries()) {
        const face = { id: count++, path, place, number: i + 1, box, predictions, cut, mine: null };
        faces.push({ ...face, address: URL.createObjectURL(cut) });
      }
    },
    clear() {
      for (const { address } of faces) URL.revokeObjectURL(address);
      faces = [];
      names = [...labels];
    },
    labelOf({ mine, predictions: [best] }) {
      return mine ?? (names.includes(best.className) ? best.className : null);
    },
    shown(filter, order) {
      const some = faces.filter((face) => {
        if (filter.by === 'label') return album.labelOf(face) === filter.label;
        if (filter.by === 'unlabelled') return album.labelOf(face) === null;
        return filter.by === 'all' || face.mine !== null;
      });
      return some.sort(ORDERS(album)[order]);
    },
    addLabel(name) {
      if (names.some((other) => other.toLowerCase() === name.toLowerCase())) return false;
      names.push(name);
      return true;
    },
    removeLabel(name) {
      names = names.filter((other) => other !== name);
      for (const face of faces) if (face.mine === name) face.mine = null;
    },
    folderNames() {
      const found = new Set(faces.map(({ path }) => folderOf(path)));
      found.delete('');
      return found.size > 1 ? [...found].sort() : [];
    },
    labelByFolder() {
      for (const name of album.folderNames()) album.addLabel(name);
      for (const face of faces) {
        const folder = folderOf(face.path).toLowerCase();
        face.mine = names.find((name) => name.toLowerCase() === folder) ?? face.mine;
      }
    },
  };
  return album;
}

/** Certainty of the network's prediction. */
export function certaintyOf({ predictions: [best] }: AlbumFace): number {
  return best.probability;
}

type Compare = (a: AlbumFace, b: AlbumFace) => number;

const ORDERS = (album: Album): Record<Order, Compare> => {
  const place = (face: AlbumFace) => {
    const label = album.labelOf(face);
    return label === null ? album.labels.length : album.labels.indexOf(label);
  };
  return {
    found: (a, b) => a.place - b.place || a.number - b.number,
    expression: (a, b) => place(a) - place(b) || certaintyOf(b) - certaintyOf(a),
    unsure: (a, b) => certaintyOf(a) - certaintyOf(b),
    sure: (a, b) => certaintyOf(b) - certaintyOf(a),
  };
};

function folderOf(path: string): string {
  return path.split('/').at(-2) ?? '';
}
