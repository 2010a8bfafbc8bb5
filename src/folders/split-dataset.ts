import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { makeFolderSync } from '../platform/node/make-folder.js';
import type { ImageFolder } from './labelled-files.js';
import { type OpenDatasetOptions, openDataset } from './open-dataset.js';
import { type SplitRatio, splitFiles } from './split-folder.js';

export interface SplitDatasetOptions extends OpenDatasetOptions {
  /** Shares of the parts, for a data set without parts. @default [0.8, 0.1, 0.1] */
  ratio?: SplitRatio;
  /** Seed of the random split. @default 1337 */
  seed?: number;
}

/**
 * Writes a data set as `train/<class>/`, `val/<class>/` and `test/<class>/` into a folder: by its own parts, or else
 * by ratio. Files are copied; rows of a CSV and faces in photos become PNGs. The folder appears only when it is complete.
 *
 * @param output - A folder that does not exist or is empty.
 * @returns The number of images in each part.
 * @throws FerError as `openDataset`; `OPTION` for an output folder that is in use, `DATA` when a part would be empty.
 */
export async function splitDataset(
  path: string,
  output: string,
  options: SplitDatasetOptions = {},
): Promise<{ train: number; val: number; test?: number }> {
  const { ratio = [0.8, 0.1, 0.1], seed = 1337, ...opening } = options;
  if (existsSync(output) && readdirSync(output).length > 0)
    throw new FerError('OPTION', `output ${output} is not empty`);
  const { all, train, validation, test } = await openDataset(path, opening);
  const own = train !== undefined && (validation ?? test) !== undefined;
  const [first, second, third] = own ? [train, validation, test] : splitFiles(all, ratio, seed, path);
  const unfinished = `${resolve(output)}.unfinished-${process.pid}`;
  try {
    for (const [name, part] of Object.entries({ train: first, val: second, test: third })) {
      if (part !== undefined) await writePart(part, join(unfinished, name));
    }
    if (existsSync(output)) rmdirSync(output);
    renameSync(unfinished, output);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (error instanceof FerError) throw error;
    throw new FerError('OPTION', `the parts of ${path} cannot be written to ${output}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return { train: first.length, val: second?.length ?? 0, test: third?.length };
}

async function writePart(part: ImageFolder, folder: string): Promise<void> {
  for (const name of part.classes) makeFolderSync(join(folder, name));
  const { default: sharp } = await import('sharp');
  for (const [i, { path, label, read }] of part.files.entries()) {
    const place = join(folder, part.classes[label]);
    // Numbered, because folders of a data set may contain files with the same name.
    const number = String(i).padStart(6, '0');
    if (read === undefined) {
      await copyFile(path, join(place, `${number}-${basename(path)}`));
      continue;
    }
    for await (const { image } of part.subset([i])) {
      const { data, width, height, channels } = image;
      const name = basename(path).replaceAll('#', '-');
      await sharp(data, { raw: { width, height, channels } })
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .png()
        .toFile(join(place, `${number}-${extname(name) === '.png' ? name : `${name}.png`}`));
    }
  }
}
