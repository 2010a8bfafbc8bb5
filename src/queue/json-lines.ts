import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';
import { adoptLines } from './adopt-lines.js';
import type { Ledger, Placed } from './ledger.js';
import type { ResultSink } from './result-sink.js';

/**
 * Writes results into a file, one line of JSON each, exactly once: the ledger gives every line its place in the file, so
 * that writing it again, by whichever worker after whatever crash, changes nothing. Any number of workers may share a file,
 * also on network storage. Lines are flushed to the disk before they count as written.
 *
 * While workers run, a line that is still to be written may show as NUL bytes; leave the file where it is. A file that is
 * there already is continued: items that it has results of are not classified again.
 *
 * @param path - The file; its folder is made when it is not there.
 * @returns A sink for `createWorker`, which throws FerError `OPTION` for a file that holds something else, and `NOT_FOUND`
 * for one that cannot be opened.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: jsonLines('/results/faces.jsonl') });
 */
export function jsonLines(path: string): ResultSink {
  let ledger: Ledger;
  let file: string;
  /** The run of Redis that knows how far the file is used. */
  let run: string;

  async function write(placed: readonly Placed[]): Promise<void> {
    for (const name of new Set(placed.map((each) => each.file))) {
      // Redis is not to say which files of this machine are written.
      if (dirname(name) !== dirname(file)) {
        throw new FerError('QUEUE', `results wait to be written to ${name}: start a worker that writes to its folder`);
      }
      await writeLines(
        name,
        placed.filter((each) => each.file === name),
      );
    }
    await ledger.settleWritten(placed.map(({ id }) => id));
  }

  return {
    async open(queueLedger) {
      ledger = queueLedger;
      file = await createFile(path);
      run = await adoptLines(file, ledger);
    },

    async deliver(outcomes) {
      let placed = await ledger.commitToFile(file, run, outcomes);
      while (placed === null) {
        run = await adoptLines(file, ledger);
        placed = await ledger.commitToFile(file, run, outcomes);
      }
      await write(placed);
    },

    finish: write,
  };
}

// --- below this line: helpers of this file alone ---

/** @returns The file's real path, which all workers know it by. */
async function createFile(path: string): Promise<string> {
  if (/[\0\n\r]/.test(path)) throw new FerError('OPTION', 'the path of a results file has no line ends');
  try {
    await makeFolder(dirname(path));
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      if (!(await handle.stat()).isFile()) throw new FerError('OPTION', `${path} is not a regular file`);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(START.length), 0, START.length, 0);
      if (bytesRead > 0 && buffer.toString('latin1', 0, bytesRead) !== START.slice(0, bytesRead) && buffer[0] !== 0) {
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

const START = '{"item":';

/** Opened anew each time, so that a disk that went away and came back is no trouble; never created anew. */
async function writeLines(file: string, placed: readonly Placed[]): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r+');
    for (const { offset, bytes } of together(placed)) {
      for (let done = 0; done < bytes.length; ) {
        done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    }
    await handle.datasync();
  } catch (error) {
    throw new FerError('UNREACHABLE', `${file} cannot be written: ${reasonOf(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** Lines that follow one another are written in one. */
function together(placed: readonly Placed[]): { offset: number; bytes: Buffer }[] {
  const runs: { offset: number; end: number; parts: Buffer[] }[] = [];
  for (const { offset, line } of [...placed].sort((a, b) => a.offset - b.offset)) {
    const bytes = Buffer.from(line);
    const last = runs.at(-1);
    if (last?.end === offset) {
      last.parts.push(bytes);
      last.end += bytes.length;
    } else runs.push({ offset, end: offset + bytes.length, parts: [bytes] });
  }
  return runs.map(({ offset, parts }) => ({ offset, bytes: Buffer.concat(parts) }));
}
