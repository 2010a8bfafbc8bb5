import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FerError } from '../../errors.js';
import type { DatasetEntry, DatasetForm } from '../dataset-form.js';
import { fileLines } from '../file-lines.js';
import { readCrop } from './crop.js';

/**
 * ExpW: `label.lst`, one line per face: image, face id, top, left, right and bottom of its box, confidence, label.
 *
 * @see Zhang et al., "From Facial Expression Recognition to Interpersonal Relation Prediction", 2018
 */
export const expw: DatasetForm = {
  looks: 'ExpW: label/label.lst and image/origin/',
  async open(path) {
    const file = statSync(path).isDirectory()
      ? ['label.lst', 'label/label.lst'].map((way) => join(path, way)).find((each) => existsSync(each))
      : path;
    if (file === undefined || basename(file) !== 'label.lst') return null;
    const top = dirname(file);
    const places = ['../image/origin', 'image/origin', 'origin', '../origin', 'image', '../image', '.'];
    const entries: DatasetEntry[] = [];
    let folder: string | undefined;
    for await (const { text, line } of fileLines(file)) {
      if (text.trim() === '') continue;
      const [name, , ...numbers] = text.trim().split(/\s+/);
      const [y, x, right, bottom, , label] = numbers.map(Number);
      const box = { x, y, width: right - x, height: bottom - y };
      if (
        !(Object.values(box).every(Number.isFinite) && box.width > 0 && box.height > 0) ||
        LABELS[label] === undefined
      ) {
        throw new FerError(
          'DATA',
          `${file}, line ${line}: expected image, face, top, left, right, bottom, confidence, label`,
        );
      }
      folder ??= places.map((place) => join(top, place)).find((place) => existsSync(join(place, name)));
      if (folder === undefined) throw new FerError('DATA', `${file}: no image ${name} in ${places.join(', ')}`);
      const image = join(folder, name);
      entries.push({
        path: `${image}#${x},${y},${box.width},${box.height}`,
        split: '',
        label: LABELS[label],
        read: (limits) => readCrop(image, box, limits),
      });
    }
    return { form: 'ExpW', entries };
  },
};

const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprised', 'neutral'];
