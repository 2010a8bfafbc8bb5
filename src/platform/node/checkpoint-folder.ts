import { join } from 'node:path';
import { FerError, reasonOf } from '../../errors.js';
import type { CheckpointStore } from '../../runtime.js';
import { readRegularFile } from './read-regular-file.js';

/** Keeps the last checkpoint in `<folder>/checkpoint.bin`. */
export function checkpointFolder(folder: string): CheckpointStore {
  const path = join(folder, CHECKPOINT);
  return {
    async save(bytes) {
      try {
        const { writeFileWhole } = await import('./write-file.js');
        await writeFileWhole(path, bytes);
      } catch (error) {
        throw new FerError('CHECKPOINT', reasonOf(error), { cause: error });
      }
    },
    async load(most) {
      try {
        return await readRegularFile(path, most);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new FerError('CHECKPOINT', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
      }
    },
    async lock() {
      try {
        // Loaded here, because it needs Node modules that classification does not need at startup.
        const { lockFile } = await import('./lock-file.js');
        const unlock = await lockFile(join(folder, 'training.lock'));
        const { removeLeftNeighbours } = await import('./write-file.js');
        await removeLeftNeighbours(folder, [CHECKPOINT]);
        return unlock;
      } catch (error) {
        if (error instanceof FerError) throw error;
        throw new FerError('CHECKPOINT', `cannot write into ${folder}: ${reasonOf(error)}`, { cause: error });
      }
    },
  };
}

const CHECKPOINT = 'checkpoint.bin';
