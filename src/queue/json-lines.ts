import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError, reasonOf } from '../errors.js';
import { text } from '../options.js';
import { makeFolder } from '../platform/node/make-folder.js';
import { adoptLines } from './adopt-lines.js';
import type { Outcome, Placed } from './ledger.js';
import { fileOf, ownFile } from './owner-file.js';
import { ForeignBytes, holdsResults, ResultFile } from './result-file.js';
import type { Ledger, ResultSink } from './result-sink.js';

/**
 * Writes results into a file, one line of JSON each, exactly once: the ledger gives every line its place in the file, so
 * that any worker may write it again after a crash without changing anything. Any number of workers may share a file, also on
 * network storage and under different paths. Lines are flushed to the disk before they count as written.
 *
 * While workers run, NUL bytes may fill the place of a line that is not written yet; do not move the file. An existing
 * file is continued: items with a result in it are not classified again. `<file>.owner` beside it says which queue writes there; no
 * other queue does.
 *
 * @param path - The file; a missing folder is created.
 * @returns A sink for `createWorker`, which throws FerError `OPTION` for a file with other content, of another
 * queue or with a second name (hard link), and `NOT_FOUND` for a file that cannot be opened. A worker stops with `QUEUE` rather
 * than overwrite bytes of another program.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: jsonLines('/results/faces.jsonl') });
 */
export function jsonLines(path: string): ResultSink {
  text(path, 'path');
  let ledger: Ledger;
  let own: ResultFile;
  /** The run of Redis that knows how much of the file is used. */
  let run: string;
  /** When Redis was found restarted: it may assign places again that are in use. */
  let restarted = Number.NEGATIVE_INFINITY;
  let recovering: Promise<void> | undefined;
  /** This worker's file, and files of other workers whose results it wrote. */
  const files = new Map<string, ResultFile>();
  /** Writes that are not done yet. */
  const writing = new Set<Promise<unknown>>();
  /** Places that were assigned and then abandoned; blanks in them are filled. */
  const gaps = new Set<{ file: ResultFile; offset: number; end: number }>();
  /** Identifies the ledger of the queue. */
  let epoch: string;

  /**
   * Writes lines and records them as written.
   *
   * @param known - The run of Redis that gave their places.
   * @param given - A time not later than that.
   * @returns False when Redis was restarted since: it may have forgotten the places, and assign them again.
   */
  async function write(placed: readonly Placed[], known: string, given: number): Promise<boolean> {
    const isStillTheirs = async () => performance.now() - given < FRESH_MS || (await ledger.check()) === known;
    try {
      for (const id of new Set(placed.map((each) => each.file))) {
        const file = await fileKnownBy(id);
        const lines = placed.filter((each) => each.file === id);
        if (!(await track(file.write(lines, isStillTheirs)))) return false;
      }
    } catch (error) {
      if (!(error instanceof ForeignBytes)) throw error;
      if ((await ledger.check()) !== known) return false;
      // Bytes that a worker wrote after the restart, into a place of the previous run.
      if (performance.now() - restarted > RESTART_MS) throw error;
      const elsewhere = await giveWay(error, placed, known);
      return elsewhere !== null && write(elsewhere, known, given);
    }
    return ledger.settleWritten(
      placed.map(({ id }) => id),
      known,
    );
  }

  async function track<Result>(work: Promise<Result>): Promise<Result> {
    writing.add(work);
    try {
      return await work;
    } finally {
      writing.delete(work);
    }
  }

  /** Records what is at the places of the lines, and gets other places for them. @returns Null when Redis was restarted again. */
  async function giveWay({ file, offset, end }: ForeignBytes, placed: readonly Placed[], known: string) {
    await adoptLines(file.path, file.id, ledger, offset);
    gaps.add({ file, offset, end });
    const isInTheWay = (each: Placed) => each.file === file.id && each.offset >= offset && each.offset < end;
    const again = outcomesOf(placed.filter(isInTheWay)).map((outcome) => ({ ...outcome, replaces: true }));
    const anew = await ledger.commitToFile(own.id, known, again);
    return anew && [...placed.filter((each) => !isInTheWay(each)), ...anew];
  }

  /** The owner file beside each results file decides which files are written, not Redis. */
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

  /** After a restart of Redis, perhaps without its last writes, makes files and ledger agree. */
  async function recover(known: string): Promise<void> {
    if (run !== known) return;
    recovering ??= restart().finally(() => {
      recovering = undefined;
    });
    await recovering;
  }

  async function restart(): Promise<void> {
    restarted = performance.now();
    await Promise.allSettled(writing);
    // Until then, the lines that others were writing when Redis ended are in the file.
    await sleep(SETTLING_MS);
    for (const file of files.values()) {
      await file.verify();
      if (file !== own) await adoptLines(file.path, file.id, ledger);
    }
    ({ run } = await adoptLines(own.path, own.id, ledger));
    restarted = performance.now();
  }

  async function deliver(outcomes: readonly Outcome[]): Promise<void> {
    for (;;) {
      const known = run;
      const given = performance.now();
      const placed = await ledger.commitToFile(own.id, known, outcomes);
      if (placed !== null && (await write(placed, known, given))) return;
      await recoverWith(placed ?? [], known);
    }
  }

  /** Also records lines that are written in places that Redis has forgotten, and may have assigned again. */
  async function recoverWith(placed: readonly Placed[], known: string): Promise<void> {
    await recover(known);
    for (const id of new Set(placed.map((each) => each.file))) {
      const offsets = placed.filter((each) => each.file === id).map(({ offset }) => offset);
      await adoptLines((await fileKnownBy(id)).path, id, ledger, Math.min(...offsets));
    }
  }

  return {
    async open(queueLedger) {
      ledger = queueLedger;
      epoch = await ledger.open();
      const file = await createFile(path);
      const { id } = await ownFile(file, ledger.queue, epoch);
      own = new ResultFile(file, id);
      files.set(id, own);
      const found = await adoptLines(file, id, ledger);
      run = found.run;
      // Other workers may be writing into places of the previous run.
      if (found.size > 0 && 1000 * found.seconds < SETTLING_MS) await recover(run);
    },

    deliver,

    async finish(placed) {
      for (const id of new Set(placed.map(({ file }) => file))) await fileKnownBy(id);
      // Lines with places keep them, unless Redis has forgotten these places.
      await deliver(outcomesOf(placed));
    },

    async verify() {
      for (const file of files.values()) await file.verify();
      for (const gap of gaps) if (await gap.file.fill(gap.offset, gap.end)) gaps.delete(gap);
    },

    async restarted(now) {
      if (run !== now) await recover(run);
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
        throw new FerError(
          'OPTION',
          `${path} has a second name (hard link), which others may write to: use another file`,
        );
      }
      if (!(await holdsResults(handle))) {
        throw new FerError('OPTION', `${path} contains something other than results: use another file`);
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

/** Time after a restart of Redis in which workers finish earlier writes. */
const SETTLING_MS = 2000;

/** Time after which a worker that has not started to write checks whether its places are still valid. */
const FRESH_MS = SETTLING_MS / 4;

/** Time after a restart of Redis in which other bytes in a place may come from a slow worker. */
const RESTART_MS = 60_000;

function outcomesOf(placed: readonly Placed[]): Outcome[] {
  return placed.map(({ id, line }) => ({ id, line, failed: isError(line) }));
}

function isError(line: string): boolean {
  return (JSON.parse(line) as { error?: unknown }).error !== undefined;
}
