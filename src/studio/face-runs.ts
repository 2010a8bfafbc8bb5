import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';

/** A folder with faces for one training. */
export interface FaceRun {
  /** Part of its addresses; it cannot be guessed. */
  id: string;
  /** Its folder. */
  folder: string;
  classes: readonly string[];
  /** Written faces, by name. */
  faces: Set<string>;
}

export interface FaceRuns {
  /** @throws FerError `CLASSES` for names that are not valid folder names; `NOT_WRITTEN`. */
  start(classes: unknown): Promise<FaceRun>;
  /** @throws FerError `NOT_FOUND` */
  find(id: string): FaceRun;
  /**
   * Writes a face into the folder of its class.
   *
   * @param label - Index of the class.
   * @throws FerError `CLASSES`, `OPTION` for another name than letters and digits, `TOO_LARGE` for too many faces, `INPUT` for
   * data that is not a PNG, `NOT_WRITTEN`.
   */
  write(run: FaceRun, label: number, name: string, png: Uint8Array): Promise<void>;
}

/** Most faces of a run. */
const MOST_FACES = 50_000;
const MOST_CLASSES = 50;
/** Begins and ends with a letter or digit: so it is not a path, not a hidden folder, and not a name that Windows refuses. */
const CLASS_NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} _-]{0,38}[\p{L}\p{M}\p{N}])?$/u;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;
const FACE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Stores the faces that the page sends: one folder per run with one folder per class, as `fer-dcnn train` expects.
 *
 * @param out - The folder of all runs; created with the first run.
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
      if (run === undefined) throw new FerError('NOT_FOUND', 'unknown run');
      return run;
    },
    async write(run, label, name, png) {
      const className = run.classes[label];
      if (className === undefined) throw new FerError('CLASSES', `there is no class ${label}`);
      if (!FACE_NAME.test(name)) throw new FerError('OPTION', `${JSON.stringify(name)} is not a valid name for a face`);
      if (run.faces.size >= MOST_FACES) throw new FerError('TOO_LARGE', `a run can have at most ${MOST_FACES} faces`);
      if (!PNG.equals(png.subarray(0, PNG.length))) throw new FerError('INPUT', 'a face must be a PNG');
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
    throw new FerError('CLASSES', `a training needs 2 to ${MOST_CLASSES} classes`);
  }
  const wrong = classes.find((name) => typeof name !== 'string' || !CLASS_NAME.test(name) || WINDOWS_DEVICE.test(name));
  if (wrong !== undefined) throw new FerError('CLASSES', `${JSON.stringify(wrong)} is not a valid name for a class`);
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
