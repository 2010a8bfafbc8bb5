import { strToU8, Zip, ZipPassThrough } from 'fflate';
import { saveFile } from '../../page-parts/save-file.js';
import type { Album, AlbumFace } from './album.js';
import { faceName } from './face-name.js';

/** The destination of the folders. */
export type SavedFolders = { to: 'folder'; name: string; faces: number } | { to: 'zip'; faces: number };

type DirectoryPicker = (options: { mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

/**
 * Saves the cut-out faces in one folder per label, as `fer-dcnn train` expects: into a folder of the user's choice if the browser
 * can write to one, or else as a zip file. Faces without a label are left out.
 *
 * @returns Null if the user cancelled the choice of a folder.
 */
export async function saveFolders(album: Album): Promise<SavedFolders | null> {
  const labelled = album.shown({ by: 'all' }, 'found').flatMap((face) => {
    const label = album.labelOf(face);
    return label === null ? [] : [{ face, label }];
  });
  const { showDirectoryPicker } = window as { showDirectoryPicker?: DirectoryPicker };
  if (showDirectoryPicker === undefined) {
    saveFile('faces.zip', await zipped(labelled));
    return { to: 'zip', faces: labelled.length };
  }
  let folder: FileSystemDirectoryHandle;
  try {
    folder = await showDirectoryPicker({ mode: 'readwrite' });
  } catch (error) {
    if ((error as DOMException).name === 'AbortError') return null;
    throw error;
  }
  for (const { face, label } of labelled) {
    const ofLabel = await folder.getDirectoryHandle(folderName(label), { create: true });
    const file = await ofLabel.getFileHandle(`${faceName(face)}.png`, { create: true });
    const stream = await file.createWritable();
    await stream.write(face.cut);
    await stream.close();
  }
  return { to: 'folder', name: folder.name, faces: labelled.length };
}

/** PNG is already compressed, so the files are stored uncompressed. */
async function zipped(labelled: readonly { face: AlbumFace; label: string }[]): Promise<Blob> {
  const parts: BlobPart[] = [];
  let failure: Error | null = null;
  const zip = new Zip((error, part) => {
    failure ??= error;
    if (part) parts.push(part as Uint8Array<ArrayBuffer>);
  });
  const add = (path: string, bytes: Uint8Array) => {
    const entry = new ZipPassThrough(path);
    zip.add(entry);
    entry.push(bytes, true);
  };
  for (const { face, label } of labelled) {
    add(`faces/${folderName(label)}/${faceName(face)}.png`, new Uint8Array(await face.cut.arrayBuffer()));
  }
  add('README.txt', strToU8('One folder for each label. To train on them: npx fer-dcnn train faces\n'));
  zip.end();
  if (failure) throw failure;
  return new Blob(parts, { type: 'application/zip' });
}

/** Labels are checked where they are made; names of folders that become labels are not. */
function folderName(label: string): string {
  return label.replace(/[^\p{L}\p{M}\p{N} _-]/gu, '_');
}
