import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FerError } from '../../errors.js';
import { readRegularFileSync } from '../../platform/node/read-regular-file.js';
import type { DatasetEntry, DatasetForm } from '../dataset-form.js';
import { imageFolder } from '../image-folder.js';
import { isSystemFolder } from '../walk-images.js';
import { splitNamed } from './split-folders.js';

/**
 * RAF-DB, single labels: `list_patition_label.txt` with the images in `Image/aligned` or `Image/original`, or folders `1` to
 * `7` in `train` and `test`.
 *
 * @see Li, Deng and Du, "Reliable Crowdsourcing and Deep Locality-Preserving Learning", 2017
 */
export const rafDb: DatasetForm = {
  looks: 'RAF-DB: list_patition_label.txt with its images, or folders 1 to 7 in train/ and test/',
  async open(path) {
    const folder = statSync(path).isDirectory();
    const list = folder
      ? ['', 'EmoLabel', 'basic/EmoLabel'].map((way) => join(path, way, LIST)).find((p) => existsSync(p))
      : path;
    if (list !== undefined && basename(list) === LIST) return { form: 'RAF-DB', entries: listed(list) };
    return folder ? numbered(path) : null;
  },
};

const LIST = 'list_patition_label.txt';
const LABELS = ['surprised', 'fear', 'disgust', 'happy', 'sad', 'angry', 'neutral'];

function listed(list: string): DatasetEntry[] {
  const top = dirname(list);
  const places = [
    '.',
    'aligned',
    'original',
    'Image/aligned',
    'Image/original',
    '../Image/aligned',
    '../Image/original',
  ];
  let found: ((name: string) => string) | undefined;
  const lines = readRegularFileSync(list).toString().split(/\r?\n/);
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const [, name, digit] = /^(\S+)\s+([1-7])\s*$/.exec(line) ?? [];
    const split = /^(train|test)_/.exec(name ?? '')?.[1] as 'train' | 'test' | undefined;
    if (split === undefined)
      throw new FerError('DATA', `${list}, line ${i + 1}: expected a line such as "train_00001.jpg 5", got ${line}`);
    const ways = places.flatMap((place) => [
      (each: string) => join(top, place, each.replace(/\.jpg$/i, '_aligned.jpg')),
      (each: string) => join(top, place, each),
    ]);
    found ??= ways.find((way) => existsSync(way(name)));
    if (found === undefined) throw new FerError('DATA', `${list}: no image ${name} in ${places.join(', ')}`);
    return [{ path: found(name), split, label: LABELS[Number(digit) - 1] }];
  });
}

function numbered(path: string): { form: string; entries: DatasetEntry[] } | null {
  const folders = (dir: string) =>
    readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  const parts = folders(path).filter((name) => splitNamed(name) !== undefined);
  const roots = parts.length > 0 ? parts : [''];
  const digits = roots.map((part) => folders(join(path, part)).filter((name) => !isSystemFolder(name)));
  if (digits.some((names) => names.length === 0) || !digits.flat().every((name) => /^[1-7]$/.test(name))) return null;
  const entries = roots.flatMap((part) => {
    const { classes, files } = imageFolder(join(path, part), { aliases: false });
    return files.map((file) => ({
      path: file.path,
      split: splitNamed(part) ?? ('' as const),
      label: LABELS[Number(classes[file.label]) - 1],
    }));
  });
  // Numbered folders of other data sets have other file names.
  if (!entries.every((entry) => /^(train|test)_\d+/.test(basename(entry.path)))) return null;
  return { form: 'RAF-DB (numbered folders)', entries };
}
