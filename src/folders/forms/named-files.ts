import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { FerError, reasonOf } from '../../errors.js';
import { readRegularFileSync } from '../../platform/node/read-regular-file.js';
import type { DatasetEntry, DatasetForm } from '../dataset-form.js';

/** JAFFE: `KA.AN1.39.tiff`. @see Lyons et al., "Coding Facial Expressions with Gabor Wavelets", 1998 */
export const jaffe = byFileName('JAFFE', 'KA.AN1.39.tiff', /^[A-Z]{2}\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+\.\w+$/i);

/** KDEF: `AF01ANS.JPG`. @see Lundqvist, Flykt and Öhman, "The Karolinska Directed Emotional Faces", 1998 */
export const kdef = byFileName('KDEF', 'AF01ANS.JPG', /^[AB][FM]\d\d(AF|AN|DI|HA|NE|SA|SU)(?:FL|HL|S|HR|FR)\.\w+$/i);

/**
 * CK+: `cohn-kanade-images/S005/001/*.png` with `Emotion/S005/001/*_emotion.txt`, which labels the last picture of a sequence.
 *
 * @see Lucey et al., "The Extended Cohn-Kanade Dataset", 2010
 */
export const ckPlus: DatasetForm = {
  looks: 'CK+: cohn-kanade-images/ and Emotion/ with *_emotion.txt',
  async open(path) {
    if (!statSync(path).isDirectory()) return null;
    const images = ['cohn-kanade-images', 'extended-cohn-kanade-images/cohn-kanade-images'].map((way) =>
      join(path, way),
    );
    const labels = ['Emotion', 'Emotion_labels/Emotion'].map((way) => join(path, way));
    const [imageRoot, labelRoot] = [images, labels].map((ways) => ways.find((way) => existsSync(way)));
    if (imageRoot === undefined || labelRoot === undefined) return null;
    const entries = filesUnder(labelRoot)
      .filter((file) => file.endsWith('_emotion.txt'))
      .map((file): DatasetEntry => {
        const label = CK_LABELS[Number(readRegularFileSync(file).toString().trim() || Number.NaN)];
        if (label === undefined) throw new FerError('DATA', `${file}: expected a number from 0 to 7`);
        const stem = basename(file, '_emotion.txt');
        const [subject, sequence] = stem.split('_');
        return { path: join(imageRoot, subject, sequence ?? '', `${stem}.png`), split: '', label };
      });
    return { form: 'CK+', entries };
  },
};

const CK_LABELS = ['neutral', 'angry', 'contempt', 'disgust', 'fear', 'happy', 'sad', 'surprised'];

const CODES: Readonly<Record<string, string>> = {
  ...{ AF: 'fear', AN: 'angry', DI: 'disgust', FE: 'fear', HA: 'happy', NE: 'neutral', SA: 'sad', SU: 'surprised' },
};

/** A form whose file names contain the label. A few files with other names are left out, with a note. */
function byFileName(form: string, example: string, pattern: RegExp): DatasetForm {
  return {
    looks: `${form}: files named like ${example}`,
    async open(path) {
      if (!statSync(path).isDirectory()) return null;
      const images = filesUnder(path).filter((file) => /^\.(jpe?g|png|tiff?|bmp)$/i.test(extname(file)));
      const entries = images.flatMap((file): DatasetEntry[] => {
        const code = pattern.exec(basename(file))?.[1];
        return code === undefined ? [] : [{ path: file, split: '', label: CODES[code.toUpperCase()] }];
      });
      const left = images.length - entries.length;
      if (entries.length === 0 || left > entries.length / 5) return null;
      return { form, entries, notes: left > 0 ? [`left out: ${left} whose names are not like ${example}`] : [] };
    },
  };
}

function entriesUnder(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true, recursive: true });
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Files below a folder, sorted; hidden files and links are left out. */
function filesUnder(dir: string): string[] {
  return entriesUnder(dir)
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath ?? (entry as unknown as { path: string }).path, entry.name))
    .sort();
}
