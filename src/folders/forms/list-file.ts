import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FerError } from '../../errors.js';
import type { Box } from '../../image/box.js';
import { readRegularFileSync } from '../../platform/node/read-regular-file.js';
import { parseCsv } from '../csv.js';
import type { DatasetEntry, DatasetForm, SplitName } from '../dataset-form.js';
import { fileLines } from '../file-lines.js';

/** A CSV of files and labels. */
export const csvList: DatasetForm = {
  looks: 'a CSV: file,label and optionally box ("x y width height") and split; paths are relative to the CSV',
  async open(path) {
    if (!statSync(path).isFile() || !(await firstLine(path)).split(',').some((name) => name.trim() === 'file'))
      return null;
    const [header, ...rows] = parseCsv(readRegularFileSync(path).toString(), path);
    const names = header.map((name) => name.trim());
    if (!names.includes('label')) return null;
    const entries = rows.map((cells, i) => {
      const row: Record<string, unknown> = Object.fromEntries(names.map((name, c) => [name, cells[c]]));
      if (typeof row.box === 'string' && row.box.trim() !== '')
        row.box = boxOf(
          row.box
            .trim()
            .split(/[\s,;]+/)
            .map(Number),
        );
      return entryOf(row, path, `${path}, row ${i + 2}`);
    });
    return { form: 'CSV of files and labels', entries };
  },
};

/** JSON lines of files and labels. */
export const jsonLinesList: DatasetForm = {
  looks: 'JSON lines: {"file":"a.jpg","label":"happy"}, optionally "box" and "split"; label may be probabilities',
  async open(path) {
    if (!statSync(path).isFile() || !/^\s*\{.*"file"/.test(await firstLine(path))) return null;
    const entries: DatasetEntry[] = [];
    for await (const { text, line } of fileLines(path)) {
      if (text.trim() === '') continue;
      const place = `${path}, line ${line}`;
      let row: Record<string, unknown>;
      try {
        row = JSON.parse(text);
      } catch (error) {
        throw new FerError('DATA', `${place}: not valid JSON`, { cause: error });
      }
      entries.push(entryOf(row ?? {}, path, place));
    }
    return { form: 'JSON lines of files and labels', entries };
  },
};

async function firstLine(path: string): Promise<string> {
  for await (const { text } of fileLines(path)) return text;
  return '';
}

function entryOf({ file, label, box, split }: Record<string, unknown>, list: string, place: string): DatasetEntry {
  if (typeof file !== 'string' || file === '') throw new FerError('DATA', `${place}: file must be a path`);
  const path = resolve(dirname(list), file);
  const entry = { path, split: splitOf(split, place), label: labelOf(label, place) };
  if (box === undefined || box === null || box === '') return entry;
  const checked = checkedBox(box, place);
  const name = `${path}#${checked.x},${checked.y},${checked.width},${checked.height}`;
  return { ...entry, path: name, read: async (limits) => (await import('./crop.js')).readCrop(path, checked, limits) };
}

function labelOf(label: unknown, place: string): DatasetEntry['label'] {
  if (typeof label === 'string' && label.trim() !== '') return label.trim();
  const shares = label !== null && typeof label === 'object' && !Array.isArray(label) ? Object.values(label) : [];
  if (shares.some((share) => share > 0) && shares.every((share) => Number.isFinite(share) && share >= 0)) {
    return label as Record<string, number>;
  }
  throw new FerError('DATA', `${place}: label must be a name, or an object of probabilities by name`);
}

const SPLITS: Readonly<Record<string, SplitName>> = {
  ...{ '': '', train: 'train', training: 'train', test: 'test', testing: 'test' },
  ...{ val: 'validation', valid: 'validation', validation: 'validation' },
};

function splitOf(split: unknown, place: string): SplitName {
  const name =
    SPLITS[
      String(split ?? '')
        .trim()
        .toLowerCase()
    ];
  if (name !== undefined) return name;
  throw new FerError('DATA', `${place}: split must be train, validation or test, got ${split}`);
}

function boxOf([x, y, width, height]: number[]): Box {
  return { x, y, width, height };
}

function checkedBox(given: unknown, place: string): Box {
  const box = Array.isArray(given) ? boxOf(given) : (given as Box);
  const sides = [box.x, box.y, box.width, box.height];
  if (sides.every((side) => Number.isFinite(side)) && box.width > 0 && box.height > 0) return box;
  throw new FerError('DATA', `${place}: box must be x, y, width and height, got ${sides.join(' ')}`);
}
