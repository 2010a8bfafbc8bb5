import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError, reasonOf } from '../errors.js';
import { makeFolder } from '../platform/node/make-folder.js';
import { adoptLines } from './adopt-lines.js';
import type { Ledger, Placed } from './ledger.js';
import { type FileOwner, fileOf, ownFile, readOwner } from './owner-file.js';
import { QueueStop } from './queue-stop.js';
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
  let file: string;
  let owner: FileOwner;
  /** The run of Redis that knows how far the file is used. */
  let run: string;
  /** Bytes that each file has at least: this sink wrote so far. */
  const least = new Map<string, number>();

  /** Redis was restarted, perhaps without its last moments: others may have written where it gives places anew. */
  let restarted = false;

  async function write(placed: readonly Placed[]): Promise<void> {
    try {
      await writeAll(placed);
    } catch (error) {
      if (!(error instanceof ForeignBytes) || !restarted || error.id !== owner.id) throw error;
      await adoptLines(file, owner.id, ledger, error.offset);
      const { offset, end } = error;
      const isInTheWay = (each: Placed) => each.file === owner.id && each.offset >= offset && each.offset < end;
      const again = placed
        .filter(isInTheWay)
        .map(({ id, line }) => ({ id, line, failed: isError(line), replaces: true }));
      const anew = await ledger.commitToFile(owner.id, run, again);
      if (anew === null) throw error;
      await writeAll([...placed.filter((each) => !isInTheWay(each)), ...anew]);
    }
  }

  async function writeAll(placed: readonly Placed[]): Promise<void> {
    for (const id of new Set(placed.map((each) => each.file))) {
      // Redis is not to say which files of this machine are written: those that say of themselves whose they are.
      const name = id === owner.id ? file : await fileOf(dirname(file), id, owner.ledger);
      if (name === null) {
        throw new FerError('QUEUE', `results wait to be written to ${id}: start a worker that writes to its folder`);
      }
      const lines = placed.filter((each) => each.file === id);
      await writeLines(name, id, lines, least.get(id) ?? 0);
      least.set(id, Math.max(least.get(id) ?? 0, ...lines.map(({ offset, line }) => offset + Buffer.byteLength(line))));
    }
    await ledger.settleWritten(placed.map(({ id }) => id));
  }

  return {
    async open(queueLedger) {
      ledger = queueLedger;
      const epoch = await ledger.open();
      file = await createFile(path);
      owner = await ownFile(file, ledger.queue, epoch);
      run = await adoptLines(file, owner.id, ledger);
    },

    async deliver(outcomes) {
      let placed = await ledger.commitToFile(owner.id, run, outcomes);
      while (placed === null) {
        restarted = true;
        // What others were writing when Redis went is in the file by then, and is found there.
        await sleep(SETTLING_MS);
        run = await adoptLines(file, owner.id, ledger);
        placed = await ledger.commitToFile(owner.id, run, outcomes);
      }
      await write(placed);
    },

    finish: write,
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

const SETTLING_MS = 1000;

/**
 * Opened anew each time, so that a disk that went away and came back is no trouble; never created anew.
 *
 * @param least - Bytes that the file cannot have less of, unless it was replaced.
 */
async function writeLines(file: string, id: string, placed: readonly Placed[], least: number): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
    const found = await handle.stat();
    if (found.size < least) throw new Error(`it has ${found.size} bytes, ${least} were written: put it back`);
    const now = await readOwner(file);
    if (now === null) throw new Error(`${file}.owner is not there: put it back`);
    if (now.id !== id) throw new QueueStop(`${file} was taken over by another ledger of the queue ${now.queue}`);
    const parts = together(placed);
    for (const part of parts) await checkPlace(handle, file, id, found, part);
    for (const { offset, bytes } of parts) {
      for (let done = 0; done < bytes.length; ) {
        done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    }
    await handle.datasync();
  } catch (error) {
    if (error instanceof QueueStop) throw error;
    throw new FerError('UNREACHABLE', `${file} cannot be written: ${reasonOf(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** Lines that follow one another, written in one. */
interface Part {
  offset: number;
  bytes: Buffer;
}

function together(placed: readonly Placed[]): Part[] {
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

/** More than all workers of a queue have in hand. */
const MOST_AHEAD = 2 ** 30;

const LINE_END = 10;

/** Refuses a place that holds anything but blanks, the same bytes, or half a line at the file's end, which is no result. */
async function checkPlace(
  handle: FileHandle,
  file: string,
  id: string,
  { size }: Stats,
  { offset, bytes }: Part,
): Promise<void> {
  if (offset > size + MOST_AHEAD) throw new QueueStop(`${file}: Redis names a place far behind the file's end`);
  const there = Buffer.alloc(Math.max(0, Math.min(bytes.length, size - offset)));
  await handle.read(there, 0, there.length, offset);
  if (there.every((byte, i) => byte === 0 || byte === bytes[i]) || there.every((byte) => byte === 0 || byte === 32))
    return;
  if (await isHalfLine(handle, size, offset, there)) return;
  throw new ForeignBytes(file, id, offset, offset + bytes.length);
}

class ForeignBytes extends QueueStop {
  constructor(
    file: string,
    readonly id: string,
    readonly offset: number,
    readonly end: number,
  ) {
    super(
      `${file} holds other bytes than this queue's where a result belongs, at ${offset}: nothing was written over. Something else writes to it, or Redis lost its ledger`,
    );
  }
}

function isError(line: string): boolean {
  return (JSON.parse(line) as { error?: unknown }).error !== undefined;
}

async function isHalfLine(handle: FileHandle, size: number, offset: number, there: Buffer): Promise<boolean> {
  const tail = Buffer.alloc(Math.min(size - offset - there.length, MOST_LINE));
  await handle.read(tail, 0, tail.length, offset + there.length);
  const before = Buffer.alloc(1, LINE_END);
  if (offset > 0) await handle.read(before, 0, 1, offset - 1);
  const isLast = offset + there.length + tail.length === size;
  return isLast && before[0] === LINE_END && !there.includes(LINE_END) && !tail.includes(LINE_END);
}

/** Bytes that a line may have: a reference, its name in a message, and the probabilities of some hundred faces. */
const MOST_LINE = 2 ** 20;
