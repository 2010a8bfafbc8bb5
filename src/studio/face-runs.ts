import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';

/** A folder that faces were written into, to be trained on. */
export interface FaceRun {
  /** Part of its addresses; nobody can guess it. */
  id: string;
  /** Its folder. */
  folder: string;
  classes: readonly string[];
  /** Faces that were written, by their names. */
  faces: Set<string>;
}

export interface FaceRuns {
  /** @throws FerError `CLASSES` for names that are no names of folders; `NOT_WRITTEN`. */
  start(classes: unknown): Promise<FaceRun>;
  /** @throws FerError `NOT_FOUND` */
  find(id: string): FaceRun;
  /**
   * Writes a face into the folder of its class.
   *
   * @param label - Index of the class.
   * @throws FerError `CLASSES`, `OPTION` for another name than letters and digits, `TOO_LARGE` for too many faces, `INPUT` for
   * what is no PNG, `NOT_WRITTEN`.
   */
  write(run: FaceRun, label: number, name: string, png: Uint8Array): Promise<void>;
}

/** Faces that one run takes. */
const MOST_FACES = 50_000;
const MOST_CLASSES = 50;
/** Begins and ends with a letter or digit: no path, no hidden folder, none that Windows cannot make. */
const CLASS_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} _-]{0,38}[\p{L}\p{M}\p{N}])?$/u;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;
const FACE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Keeps the faces that the page sends: a folder a run, in it a folder a class, as `fer-dcnn train` takes it.
 *
 * @param out - The folder that runs lie in; made with the first.
 */
export function faceRuns(out: string): FaceRuns {
  const runs = new Map<string, FaceRun>();
  return {
    async start(classes) {
      checkClasses(classes);
      const id = randomBytes(16).toString('hex');
      const time = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-');
      const run = { id, folder: join(out, `studio-${time}-${id.slice(0, 4)}`), classes, faces: new Set<string>() };
      await written(run.folder, () => makeFolder(run.folder));
      runs.set(id, run);
      return run;
    },
    find(id) {
      const run = runs.get(id);
      if (run === undefined) throw new FerError('NOT_FOUND', 'there is no such run');
      return run;
    },
    async write(run, label, name, png) {
      const className = run.classes[label];
      if (className === undefined) throw new FerError('CLASSES', `there is no class ${label}`);
      if (!FACE_NAME.test(name)) throw new FerError('OPTION', `${JSON.stringify(name)} is no name for a face`);
      if (run.faces.size >= MOST_FACES) throw new FerError('TOO_LARGE', `a run takes ${MOST_FACES} faces at most`);
      if (!PNG.equals(png.subarray(0, PNG.length))) throw new FerError('INPUT', 'a face is sent as PNG');
      const folder = join(run.folder, 'faces', className);
      await written(folder, async () => {
        await makeFolder(folder);
        await writeFile(join(folder, `${name}.png`), png);
      });
      run.faces.add(name);
    },
  };
}

function checkClasses(classes: unknown): asserts classes is readonly string[] {
  if (!Array.isArray(classes) || classes.length < 2 || classes.length > MOST_CLASSES) {
    throw new FerError('CLASSES', `a training wants 2 to ${MOST_CLASSES} classes`);
  }
  const wrong = classes.find((name) => typeof name !== 'string' || !CLASS_NAME.test(name) || WINDOWS_DEVICE.test(name));
  if (wrong !== undefined) throw new FerError('CLASSES', `${JSON.stringify(wrong)} is no name for a class`);
  if (new Set(classes.map((name: string) => name.toLowerCase())).size < classes.length) {
    throw new FerError('CLASSES', 'two classes have the same name');
  }
}

async function written(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new FerError('NOT_WRITTEN', `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}
