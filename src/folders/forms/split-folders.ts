import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetEntry, DatasetForm, SplitName } from '../dataset-form.js';
import { imageFolder } from '../image-folder.js';
import type { LeftOut } from '../walk-images.js';

/** Folders of classes, inside `train`, `validation` and `test`, or directly in the folder. */
export const classFolders: DatasetForm = {
  looks: 'folders of classes (angry/, happy/, …), in train/, validation/ and test/ or directly in the folder',
  async open(path) {
    if (!statSync(path).isDirectory()) return null;
    const parts = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && splitNamed(entry.name) !== undefined)
      .map(({ name }) => name)
      .sort();
    const leftOut: LeftOut[] = [];
    const entries: DatasetEntry[] = (parts.length > 0 ? parts : ['']).flatMap((part) => {
      const folder = imageFolder(join(path, part), { aliases: false });
      leftOut.push(...folder.leftOut);
      const split = splitNamed(part) ?? '';
      return folder.files.map((file) => ({ path: file.path, split, label: folder.classes[file.label] }));
    });
    return { form: parts.length > 0 ? `class folders in ${parts.join(', ')}` : 'class folders', entries, leftOut };
  },
};

/** The split that a folder name stands for; undefined for other names. */
export function splitNamed(name: string): SplitName | undefined {
  if (/^(train|training|train_set)$/i.test(name)) return 'train';
  if (/^(val|valid|validation|val_set|public_?test)$/i.test(name)) return 'validation';
  return /^(test|testing|private_?test)$/i.test(name) ? 'test' : undefined;
}
