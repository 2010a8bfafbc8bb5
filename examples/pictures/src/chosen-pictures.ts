import type { Picture } from './look-through.js';

/** The pictures among the chosen files, in the order of their paths, and the number of other files. */
export interface ChosenPictures {
  pictures: Picture[];
  others: number;
}

/** Files of an `<input type="file">`, with or without `webkitdirectory`. */
export function picturesOf(files: Iterable<File>): ChosenPictures {
  return sorted([...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

/** Files that were dropped on the page, and all files in dropped folders. */
export async function droppedPictures(transfer: DataTransfer): Promise<ChosenPictures> {
  // Read before the first await, because the transfer is empty afterwards.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = [...transfer.files];
  const found = await Promise.all(
    entries.map((entry, i) => (entry === null ? [{ file: files[i], path: files[i]?.name ?? '' }] : filesIn(entry))),
  );
  return sorted(found.flat().filter(({ file }) => file !== undefined));
}

const ENDING = /\.(?:jpe?g|png|webp|gif|bmp|avif|tiff?|hei[cf])$/i;

function sorted(all: Picture[]): ChosenPictures {
  const visible = all.filter(({ path }) => !/(?:^|\/)(?:\.|__MACOSX|Thumbs\.db)/.test(path));
  const pictures = visible.filter(({ file }) => file.type.startsWith('image/') || ENDING.test(file.name));
  const order = new Intl.Collator('en', { numeric: true });
  pictures.sort((a, b) => order.compare(a.path, b.path));
  return { pictures, others: visible.length - pictures.length };
}

async function filesIn(entry: FileSystemEntry): Promise<Picture[]> {
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) =>
      (entry as FileSystemFileEntry).file(resolve, () => resolve(null)),
    );
    return file === null ? [] : [{ file, path: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Picture[][] = [];
  for (;;) {
    // About a hundred at a time, until all are read.
    const some = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return found.flat();
    found.push(...(await Promise.all(some.map(filesIn))));
  }
}
