import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';
import { adoptLines } from './adopt-lines.js';
import type { Placed } from './ledger.js';
import { fileOf, ownFile } from './owner-file.js';
import { ForeignBytes, holdsResults, ResultFile } from './result-file.js';
import type { Ledger, ResultSink } from './result-sink.js';

/**
 * Writes results into a file, one line of JSON each, exactly once: the ledger gives every line its place in the file, so
 * that any worker may write it again after a crash without changing anything. Any number of workers may share a file, also on
 * network storage and under different paths. Lines are flushed to the disk before they count as written.
 *
 * While workers run, NUL bytes may stand in the place of a line that is not written yet; leave the file where it is. An existing
 * file is continued: items with a result in it are not classified again. `<file>.owner` beside it says which queue writes there; no
 * other queue does.
 *
 * @param path - The file; a missing folder is created.
 * @returns A sink for `createWorker`, which throws FerError `OPTION` for a file that holds something else, belongs to another
 * queue or has a second name (hard link), and `NOT_FOUND` for a file that cannot be opened. A worker stops with `QUEUE` rather
 * than overwrite bytes of another program.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: jsonLines('/results/faces.jsonl') });
 */
export function jsonLines(path: string): ResultSink {
  let ledger: Ledger;
  let own: ResultFile;
  /** The run of Redis that knows how much of the file is used. */
  let run: string;
  /** Redis was restarted, perhaps without its last writes: it may give places away that are in use. */
  let restarted = false;
  /** This worker's file, and files of other workers whose results it wrote. */
  const files = new Map<string, ResultFile>();
  /** Identifies the ledger of the queue. */
  let epoch: string;

  async function write(placed: readonly Placed[]): Promise<void> {
    try {
      await writeAll(placed);
    } catch (error) {
      if (!(error instanceof ForeignBytes) || !restarted || error.id !== own.id) throw error;
      await adoptLines(own.path, own.id, ledger, error.offset);
      const { offset, end } = error;
      const isInTheWay = (each: Placed) => each.file === own.id && each.offset >= offset && each.offset < end;
      const again = placed
        .filter(isInTheWay)
        .map(({ id, line }) => ({ id, line, failed: isError(line), replaces: true }));
      const anew = await ledger.commitToFile(own.id, run, again);
      if (anew === null) throw error;
      await writeAll([...placed.filter((each) => !isInTheWay(each)), ...anew]);
    }
  }

  async function writeAll(placed: readonly Placed[]): Promise<void> {
    for (const id of new Set(placed.map((each) => each.file))) {
      const file = await fileKnownBy(id);
      await file.write(placed.filter((each) => each.file === id));
    }
    await ledger.settleWritten(placed.map(({ id }) => id));
  }

  /** Redis does not choose which files of this machine are written: the owner file beside each does. */
  async function fileKnownBy(id: string): Promise<ResultFile> {
    const name = id === own.id ? own.path : await fileOf(dirname(own.path), id, epoch);
    if (name === null) {
      throw new FerError('QUEUE', `results wait to be written to ${id}: start a worker that writes to its folder`);
    }
    let file = files.get(id);
    if (file?.path !== name) {
      file = new ResultFile(name, id);
      files.set(id, file);
    }
    return file;
  }

  return {
    async open(queueLedger) {
      ledger = queueLedger;
      epoch = await ledger.open();
      const file = await createFile(path);
      const { id } = await ownFile(file, ledger.queue, epoch);
      own = new ResultFile(file, id);
      files.set(id, own);
      run = await adoptLines(file, id, ledger);
    },

    async deliver(outcomes) {
      let placed = await ledger.commitToFile(own.id, run, outcomes);
      while (placed === null) {
        restarted = true;
        // Until then, the lines that others were writing when Redis ended are in the file.
        await sleep(SETTLING_MS);
        await own.verify();
        run = await adoptLines(own.path, own.id, ledger);
        placed = await ledger.commitToFile(own.id, run, outcomes);
      }
      await write(placed);
    },

    finish: write,

    async verify() {
      for (const file of files.values()) await file.verify();
    },
  };
}

/** @returns The file's real path. */
async function createFile(path: string): Promise<string> {
  if (/[\0\n\r]/.test(path)) throw new FerError('OPTION', 'the path of a results file has no line ends');
  try {
    await makeFolder(dirname(path));
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new FerError('OPTION', `${path} is not a regular file`);
      if (found.nlink > 1) {
        throw new FerError('OPTION', `${path} has a second name (hard link), which others may write to: take another`);
      }
      if (!(await holdsResults(handle))) {
        throw new FerError('OPTION', `${path} holds something else than results: take another file`);
      }
    } finally {
      await handle.close();
    }
    const real = await realpath(path);
    return join(await realpath(dirname(real)), basename(real));
  } catch (error) {
    if (error instanceof FerError) throw error;
    throw new FerError('NOT_FOUND', `${path} cannot be opened for results: ${reasonOf(error)}`, { cause: error });
  }
}

const SETTLING_MS = 1000;

function isError(line: string): boolean {
  return (JSON.parse(line) as { error?: unknown }).error !== undefined;
}
