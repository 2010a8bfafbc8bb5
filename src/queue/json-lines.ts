import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';
import { adoptLines } from './adopt-lines.js';
import type { Ledger, Placed } from './ledger.js';
import { fileOf, ownFile } from './owner-file.js';
import { ForeignBytes, holdsResults, ResultFile } from './result-file.js';
import type { ResultSink } from './result-sink.js';

/**
 * Writes results into a file, one line of JSON each, exactly once: the ledger gives every line its place in the file, so
 * that writing it again, by whichever worker after whatever crash, changes nothing. Any number of workers may share a file,
 * also on network storage, under whatever path each sees it. Lines are flushed to the disk before they count as written.
 *
 * While workers run, a line that is still to be written may show as NUL bytes; leave the file where it is. A file that is
 * there already is continued: items that it has results of are not classified again. Beside it lies `<file>.owner`, which
 * says which queue writes there; no other queue does.
 *
 * @param path - The file; its folder is made when it is not there.
 * @returns A sink for `createWorker`, which throws FerError `OPTION` for a file that holds something else, belongs to another
 * queue or has a second name (hard link), and `NOT_FOUND` for one that cannot be opened. A worker stops with `QUEUE` rather
 * than write over bytes that are not its own.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: jsonLines('/results/faces.jsonl') });
 */
export function jsonLines(path: string): ResultSink {
  let ledger: Ledger;
  let own: ResultFile;
  /** The run of Redis that knows how far the file is used. */
  let run: string;
  /** Redis was restarted, perhaps without its last moments: others may have written where it gives places anew. */
  let restarted = false;
  /** Own file, and those of other workers whose results this one wrote. */
  const files = new Map<string, ResultFile>();
  /** What the ledger of the queue is known by. */
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

  /** Redis is not to say which files of this machine are written: those that say of themselves whose they are. */
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
        // What others were writing when Redis went is in the file by then, and is found there.
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
