import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted } from '../abort.js';
import { isKnownEmotion } from '../aliases.js';
import { EMOTIONS } from '../emotions.js';
import { HASHED_SIZE } from '../image/perceptual-hash.js';
import { resample } from '../image/resample.js';
import { boolean, callback, optionsOf, signal as signalRule, text } from '../options.js';
import { imageLimits, limitRules } from '../platform/image-limits.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import type { Exclusion } from './exclusions.js';
import { type CheckedImage, type DuplicateGroup, groupDuplicates } from './group-duplicates.js';
import { type ImageFolderOptions, imageFolder, imageFolderRules } from './image-folder.js';
import type { ImageFolder, UnmatchedEntry } from './labelled-files.js';
import { type ClassNameOptions, classNameRules } from './named-classes.js';
import { nearDuplicates } from './near-duplicates.js';
import { isClassFolders, openDataset } from './open-dataset.js';
import { isSystemFolder, type LeftOut } from './walk-images.js';

export interface CheckFolderOptions
  extends Pick<ImageFolderOptions, 'exclude' | 'extensions' | keyof ImageLimits | keyof ClassNameOptions> {
  /**
   * Names that class folders may have; images of others are counted as `strayFiles`.
   * @default the names of emotions if there are any, otherwise all names
   */
  classes?: readonly string[];
  /**
   * Whether to search for near duplicates as well.
   * @default true
   */
  near?: boolean;
  /** Called after each image, with the number of all images. */
  onImage?: (done: number, of: number) => void;
  /** Stops the check. */
  signal?: AbortSignal;
}

/** The result of `checkFolder`: what to know about a folder before training on it. */
export interface FolderCheck {
  /** Images found, unreadable ones included. */
  files: number;
  unreadable: { file: string; reason: string }[];
  duplicates: DuplicateGroup[];
  /** Images by the name of their class folder, over all splits. */
  classes: Record<string, number>;
  /** Images by split and class; a single split named '' if the class folders are in `dir` itself. */
  splits: Record<string, Record<string, number>>;
  /** Folders that are not a class, with their number of images. */
  strayFolders: { folder: string; files: number }[];
  /** Other files and folders that are not used as images of a class, with reasons. */
  leftOut: LeftOut[];
  /** Paths in the list `exclude` that match no file. */
  unmatched: UnmatchedEntry[];
  /** Number of images by size, such as "48x48", most frequent first. */
  sizes: Record<string, number>;
  /** Files to leave out, with reasons; see `imageFolder({ exclude })`. */
  exclusions: Exclusion[];
}

/**
 * Looks through a folder of class folders, or of train, val and test folders of them, or any data set that `openDataset` opens: images that cannot be read, folders
 * that are not a class, sizes, and exact and near duplicates within and across splits. It changes no file.
 *
 * It needs 5 KB of memory per image.
 *
 * @throws FerError `NOT_FOUND` when `dir` is not a folder, `DATA` when it has no class folders or images, `ABORTED`,
 * `OPTION`.
 * @example
 * const { unreadable, duplicates, exclusions } = await checkFolder('faces');
 * const leaking = duplicates.filter(({ acrossSplits }) => acrossSplits);
 */
export async function checkFolder(dir: string, options: CheckFolderOptions = {}): Promise<FolderCheck> {
  text(dir, 'dir');
  checkOptions(options);
  const { exclude, extensions, aliases, keep, map, onNote, near = true, onImage, signal } = options;
  const unreadable: FolderCheck['unreadable'] = [];
  const reading: ImageFolderOptions = {
    ...{ exclude, extensions, aliases, keep, map, onNote, ...imageLimits(options) },
    unreadable: 'skip',
    onUnreadable(file, error) {
      unreadable.push({ file, reason: error.message });
      onImage?.(++done, files);
    },
  };
  const { parts: folders, beside } = await partsOf(dir, reading);
  const files = folders.reduce((sum, { folder }) => sum + folder.length, 0);
  const counts: FolderCheck['splits'] = counted([]);
  const found: CheckedImage[] = [];
  const sizes = new Map<string, number>();
  let done = 0;
  for (const { split, folder } of folders) {
    counts[split] = counted([]);
    const labels = new Map(folder.files.map(({ path, label }) => [path, folder.classes[label]]));
    for (const name of labels.values()) counts[split][name] = (counts[split][name] ?? 0) + 1;
    for await (const { file, image } of folder) {
      throwIfAborted(signal, 'the check');
      found.push({ file, split, className: labels.get(file) ?? '', pixels: digest(image), luma: lumaOf(image) });
      const size = `${image.width}x${image.height}`;
      sizes.set(size, (sizes.get(size) ?? 0) + 1);
      onImage?.(++done, files);
    }
  }

  const names = Object.values(counts).flatMap((split) => Object.keys(split));
  const known = names.some(isKnownEmotion);
  const classes = options.classes ?? [...EMOTIONS, ...names.filter((name) => !known || isKnownEmotion(name))];
  const totals: FolderCheck['classes'] = counted((options.classes ?? (known ? EMOTIONS : [])).map((name) => [name, 0]));
  for (const split of Object.values(counts)) {
    for (const [name, count] of Object.entries(split)) totals[name] = (totals[name] ?? 0) + count;
  }
  const strayFolders = Object.entries(counts).flatMap(([split, names]) =>
    Object.entries(names)
      .filter(([name]) => !classes.includes(name))
      .map(([name, count]) => ({ folder: join(dir, split, name), files: count })),
  );
  const pairs = near
    ? await nearDuplicates(
        found.map(({ luma }) => luma),
        { signal },
      )
    : [];
  const { groups, exclusions } = groupDuplicates(found, pairs);
  return {
    files,
    unreadable,
    duplicates: groups,
    classes: totals,
    splits: counts,
    strayFolders,
    // Each part of a data set lists what was left out of the whole.
    leftOut: [...new Set([...beside, ...folders.flatMap(({ folder }) => folder.leftOut)])],
    // A path may belong to another split.
    unmatched: folders[0].folder.unmatched.filter((entry) =>
      folders.every(({ folder }) => folder.unmatched.some(({ path }) => path === entry.path)),
    ),
    sizes: Object.fromEntries([...sizes].sort(([, a], [, b]) => b - a)),
    exclusions: [...unreadable.map(({ file }) => ({ path: file, reason: 'cannot be read' })), ...exclusions],
  };
}

const checkOptions = optionsOf<CheckFolderOptions>('checkFolder', () => ({
  exclude: imageFolderRules().exclude,
  extensions: imageFolderRules().extensions,
  classes: imageFolderRules().classes,
  ...classNameRules,
  near: boolean,
  onImage: callback,
  signal: signalRule,
  ...limitRules,
}));

async function partsOf(
  dir: string,
  reading: ImageFolderOptions,
): Promise<{ parts: { split: string; folder: ImageFolder }[]; beside: LeftOut[] }> {
  const exists = existsSync(dir);
  if (!exists || (await isClassFolders(dir))) {
    const { splits, beside } = splitsOf(dir);
    return { parts: splits.map((split) => ({ split, folder: imageFolder(join(dir, split), reading) })), beside };
  }
  const { extensions: _, ...rest } = reading;
  const { train, validation, test, all } = await openDataset(dir, rest);
  const parts = Object.entries({ train, val: validation, test }).flatMap(([split, folder]) =>
    folder ? [{ split, folder }] : [],
  );
  return { parts: parts.length > 0 ? parts : [{ split: '', folder: all }], beside: [] };
}

const SPLITS = /^(train|training|val|valid|validation|test|testing|public_?test|private_?test)$/i;

/** The folders in `dir` that are splits, and those beside them; or '' for `dir` itself if there are no splits. */
function splitsOf(dir: string): { splits: string[]; beside: LeftOut[] } {
  let entries: string[];
  try {
    entries = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return { splits: [''], beside: [] }; // imageFolder reports what is wrong with it
  }
  const splits = entries.filter((name) => SPLITS.test(name)).sort();
  if (splits.length === 0) return { splits: [''], beside: [] };
  const others = entries.filter((name) => !splits.includes(name) && !name.startsWith('.') && !isSystemFolder(name));
  const reason = `a folder beside ${splits.join(', ')}`;
  return { splits, beside: others.sort().map((name) => ({ path: join(dir, name), kind: 'place', reason })) };
}

/** Counts by name. The names may be those of object properties, such as `constructor`. */
function counted<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

/** A hash of pixels and size; a grey image has the same hash whether it is stored in grey or in colour. */
function digest(image: PixelImage): string {
  const { data, width, height, channels } = image;
  return createHash('sha256')
    .update(`${width}x${height}`)
    .update(channels === 1 || !isGrey(image) ? data : everyNth(data, channels))
    .digest('hex');
}

function isGrey({ data, channels }: PixelImage): boolean {
  for (let i = 0; i < data.length; i += channels) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2] || (channels === 4 && data[i + 3] !== 255)) return false;
  }
  return true;
}

function everyNth(data: PixelImage['data'], step: number): Uint8Array {
  return Uint8Array.from({ length: data.length / step }, (_, i) => data[i * step]);
}

function lumaOf(image: PixelImage): Uint8Array {
  return Uint8Array.from(resample(image, { width: HASHED_SIZE, height: HASHED_SIZE, channels: 1 }), Math.round);
}
