import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { FerError, reasonOf } from '../errors.js';
import { fillHoles } from './adopt-lines.js';
import { isSameFile } from './is-same-file.js';
import type { Placed } from './ledger.js';
import { readOwner } from './owner-file.js';
import { QueueStop } from './queue-stop.js';

/**
 * A results file that one worker writes to, each line in its place.
 *
 * Another program may replace the file by a copy at any moment, as editors and backups do. A line that is written at that moment
 * is only in the old file. So a write counts only if the path still leads to the written file, and the lines of the last minute
 * are kept in memory: lines that are missing in a replacement are written to it again.
 */
export class ResultFile {
  readonly path: string;
  /** The ledger's id of the file. */
  readonly id: string;
  /** The last written file. Another file at the same path is a replacement. */
  #last: Stats | undefined;
  #recent: { line: Placed; written: number }[] = [];
  #recentBytes = 0;
  /** Changes whenever lines are added to the recent ones. */
  #version = 0;
  /** Minimum size of a file that has all lines except the recent ones. */
  #leastOfOld = 0;

  constructor(path: string, id: string) {
    this.path = path;
    this.id = id;
  }

  /**
   * Writes lines in their places and flushes them to the disk. The file is opened each time, so that a disk may go away
   * and come back. It is never created.
   *
   * @param isStillTheirs - Called right before anything is written; resolves to false if the places no longer belong to the lines.
   * @returns Whether they are written.
   * @throws FerError `UNREACHABLE` for errors that may be fixed by waiting or by hand; {@link ForeignBytes}; QueueStop.
   */
  async write(placed: readonly Placed[], isStillTheirs = async () => true): Promise<boolean> {
    try {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const written = await this.#writeOnce(placed, isStillTheirs);
        if (written !== 'again') return written;
      }
      throw new Error('it is replaced again and again');
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): FerError {
    if (error instanceof FerError) return error;
    return new FerError('UNREACHABLE', `${this.path} cannot be written: ${reasonOf(error)}`, { cause: error });
  }

  /** Writes the recent lines into a file that replaced the last written one. Like {@link write}. */
  async verify(): Promise<void> {
    if (this.#last === undefined) return;
    const found = await stat(this.path).catch(() => undefined);
    // A missing file may come back; until then, nothing can be written.
    if (found && !isSameFile(found, this.#last)) await this.write([]);
  }

  /**
   * Writes spaces into the remaining blanks of an abandoned place.
   *
   * @returns Whether the file is long enough to have all of it.
   */
  async fill(offset: number, end: number): Promise<boolean> {
    try {
      const handle = await this.#open();
      try {
        const { size } = await handle.stat();
        const there = Buffer.alloc(Math.max(0, Math.min(end, size) - offset));
        await handle.read(there, 0, there.length, offset);
        await fillHoles(handle, there, offset);
        return size >= end;
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #open(): Promise<FileHandle> {
    return open(this.path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  }

  /** @returns 'again' when not all lines, recent ones included, are in the file that the path leads to. */
  async #writeOnce(placed: readonly Placed[], isStillTheirs: () => Promise<boolean>): Promise<boolean | 'again'> {
    const version = this.#version;
    const handle = await this.#open();
    try {
      const found = await handle.stat();
      const isReplaced = this.#isOther(found);
      await this.#checkFile(handle, found, isReplaced);
      const recent = isReplaced ? this.#recent.map(({ line }) => line) : [];
      const parts = together([...recent, ...placed]);
      for (const part of parts) await checkPlace(handle, this, found, part);
      if (!(await isStillTheirs())) return false;
      for (const { offset, bytes } of parts) {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
        }
      }
      await handle.datasync();

      const now = await stat(this.path);
      if (!isSameFile(now, found)) return 'again';
      // Other writes of this worker may have ended in the meantime, in the file before or in the replacement.
      if (isReplaced ? this.#version !== version : this.#isOther(found)) return 'again';
      this.#last = now;
      this.#remember(placed);
      return true;
    } finally {
      await handle.close();
    }
  }

  #isOther(found: Stats): boolean {
    return this.#last !== undefined && !isSameFile(found, this.#last);
  }

  async #checkFile(handle: FileHandle, { size }: Stats, isReplaced: boolean): Promise<void> {
    const isCopy = isReplaced && size > 0 && (await holdsResults(handle));
    const ends = isCopy ? [] : this.#recent.map(({ line }) => endOf(line));
    const least = ends.reduce((most, end) => Math.max(most, end), this.#leastOfOld);
    if (size < least) throw new Error(`it has ${size} bytes, ${least} were written: restore it`);
    if (isReplaced && !isCopy && this.#recent.length > 0) throw new Error('it is another file: restore it');
    const owner = await readOwner(this.path);
    if (owner === null) throw new Error(`${this.path}.owner is missing: restore it`);
    if (owner.id !== this.id) {
      throw new QueueStop(`${this.path} was taken over by another ledger of the queue ${owner.queue}`);
    }
  }

  #remember(placed: readonly Placed[]): void {
    if (placed.length === 0) return;
    this.#version++;
    const written = performance.now();
    this.#recent.push(...placed.map((line) => ({ line, written })));
    this.#recentBytes += lengthOf(placed);
    let old = 0;
    for (; old < this.#recent.length; old++) {
      const first = this.#recent[old];
      if (this.#recentBytes <= RECENT_BYTES && first.written > written - RECENT_MS) break;
      this.#recentBytes -= lengthOf([first.line]);
      this.#leastOfOld = Math.max(this.#leastOfOld, endOf(first.line));
    }
    if (old > 0) this.#recent = this.#recent.slice(old);
  }
}

/** Whether a file begins like results, or is empty. */
export async function holdsResults(handle: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(START.length), 0, START.length, 0);
  // The first line may still be missing.
  return buffer[0] === 0 || buffer.toString('latin1', 0, bytesRead) === START.slice(0, bytesRead);
}

const START = '{"item":';

/** Bytes of another program at the place of a result. */
export class ForeignBytes extends QueueStop {
  constructor(
    readonly file: ResultFile,
    readonly offset: number,
    readonly end: number,
  ) {
    super(
      `${file.path} has other bytes than this queue's at the place of a result, ${offset}: nothing was overwritten. Another program writes to it, or Redis lost its ledger`,
    );
  }
}

/** A file may be replaced while it is written, even twice in a row. */
const MOST_TRIES = 5;

/** Lines are kept for as long as it may take to copy the file. */
const RECENT_MS = 60_000;
const RECENT_BYTES = 2 ** 24;

function lengthOf(placed: readonly Placed[]): number {
  return placed.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0);
}

function endOf({ offset, line }: Placed): number {
  return offset + Buffer.byteLength(line);
}

/** Consecutive lines, written at once. */
interface Part {
  offset: number;
  bytes: Buffer;
}

function together(placed: readonly Placed[]): Part[] {
  const lines = new Map(placed.map(({ offset, line }) => [offset, line]));
  const runs: { offset: number; end: number; parts: Buffer[] }[] = [];
  for (const [offset, line] of [...lines].sort(([a], [b]) => a - b)) {
    const bytes = Buffer.from(line);
    const last = runs.at(-1);
    if (last?.end === offset) {
      last.parts.push(bytes);
      last.end += bytes.length;
    } else runs.push({ offset, end: offset + bytes.length, parts: [bytes] });
  }
  return runs.map(({ offset, parts }) => ({ offset, bytes: Buffer.concat(parts) }));
}

/** More than all workers of a queue have in progress. */
const MOST_AHEAD = 2 ** 30;

const LINE_END = 10;
const SPACE = 32;

/**
 * Refuses a place unless it has blanks, the same bytes, or an incomplete line at the end of the file, which is not a result. Of
 * several consecutive lines, some may be there and others not.
 */
async function checkPlace(
  handle: FileHandle,
  file: ResultFile,
  { size }: Stats,
  { offset, bytes }: Part,
): Promise<void> {
  if (offset > size + MOST_AHEAD) throw new QueueStop(`${file.path}: Redis names a place far past the end of the file`);
  const there = Buffer.alloc(Math.max(0, Math.min(bytes.length, size - offset)));
  await handle.read(there, 0, there.length, offset);
  const foreign = there.findIndex((byte, i) => byte !== 0 && byte !== SPACE && byte !== bytes[i]);
  if (foreign < 0) return;
  const line = foreign === 0 ? 0 : bytes.lastIndexOf(LINE_END, foreign - 1) + 1;
  if (await isHalfLine(handle, size, offset + line, there.subarray(line))) return;
  throw new ForeignBytes(file, offset, offset + bytes.length);
}

async function isHalfLine(handle: FileHandle, size: number, offset: number, there: Buffer): Promise<boolean> {
  const tail = Buffer.alloc(Math.min(size - offset - there.length, MOST_LINE));
  await handle.read(tail, 0, tail.length, offset + there.length);
  const before = Buffer.alloc(1, LINE_END);
  if (offset > 0) await handle.read(before, 0, 1, offset - 1);
  const isLast = offset + there.length + tail.length === size;
  return isLast && before[0] === LINE_END && !there.includes(LINE_END) && !tail.includes(LINE_END);
}

/** Most bytes of a line: a reference, its name in a message, and the probabilities of about a hundred faces. */
const MOST_LINE = 2 ** 20;
