import type { Redis } from 'ioredis';
import { FerError } from '../errors.js';
import {
  ADOPT,
  COMMIT_TO_FILE,
  COMMIT_TO_STREAM,
  OPEN_FILE,
  REGISTER,
  SETTLE,
  SETTLE_WRITTEN,
  STATES,
} from './ledger-scripts.js';

/** A result that is to be recorded. */
export interface Outcome {
  id: string;
  failed: boolean;
  /** The result as JSON, with a line end. */
  line: string;
}

/** A result's place in a file: whoever writes it there, however often, writes the same. */
export interface Placed {
  id: string;
  /** Absolute path of the file. */
  file: string;
  /** Byte offset of the line. */
  offset: number;
  line: string;
}

/** How an item stands: not done, done, failed, or placed in a file and perhaps not written yet. */
export type ItemState = 'waiting' | 'done' | 'failed' | Placed;

/** How many items there are, of those ever enqueued. */
export interface LedgerCounts {
  total: number;
  done: number;
  failed: number;
}

/**
 * What has become of every item of a queue, kept in Redis; each change is one script, which Redis runs whole or not at
 * all. Of a million items each takes 51 bytes there (docs/scaling.md).
 */
export class Ledger {
  readonly #redis: Redis;
  readonly #base: string;

  constructor(redis: Redis, queue: string) {
    this.#redis = redis;
    // Braces: in a cluster, all of a queue lies on one node.
    this.#base = `fer:{${queue}}`;
  }

  /** Enters items that are not known yet. @returns How many are new, and which of all are still to be done. */
  async register(ids: readonly string[]): Promise<{ fresh: number; open: boolean[] }> {
    const states = (await this.#redis.eval(REGISTER, 1, this.#base, ...ids)) as string[];
    return {
      fresh: states.filter((state) => state === 'n').length,
      open: states.map((state) => state !== 'd' && state !== 'f'),
    };
  }

  async states(ids: readonly string[]): Promise<ItemState[]> {
    const states = (await this.#redis.eval(STATES, 1, this.#base, ...ids)) as string[];
    return states.map((state, i) => STATE_OF[state] ?? placedOf(ids[i], state));
  }

  /**
   * Gives every result that is not recorded yet its place in a file; those that have one keep it.
   *
   * @param run - Which run of Redis {@link openFile} spoke to.
   * @returns What is to be written; null when Redis has been restarted since: open the file again.
   */
  async commitToFile(file: string, run: string, outcomes: readonly Outcome[]): Promise<Placed[] | null> {
    const entries = (await this.#redis.eval(COMMIT_TO_FILE, 1, this.#base, file, run, ...flat(outcomes))) as
      | string[]
      | null;
    if (entries === null) return null;
    return outcomes.flatMap(({ id }, i) => (entries[i] === '' ? [] : [placedOf(id, entries[i])]));
  }

  /** Marks results as written. */
  async settleWritten(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#redis.eval(SETTLE_WRITTEN, 1, this.#base, ...ids);
  }

  /** Appends results that are not recorded yet to a Redis stream, and records them, in one. */
  async commitToStream(stream: string, outcomes: readonly Outcome[]): Promise<void> {
    await this.#redis.eval(COMMIT_TO_STREAM, 2, this.#base, stream, ...flat(outcomes));
  }

  /** Records results that a sink of its own has taken. */
  async settle(outcomes: readonly Outcome[]): Promise<void> {
    await this.#redis.eval(SETTLE, 1, this.#base, ...flat(outcomes));
  }

  /**
   * Makes a results file known.
   *
   * @param size - Its length in bytes.
   * @returns `written`: what Redis knows to be used of it, null when it does not know the file; `run`: which run of Redis
   * this is.
   */
  async openFile(file: string, size: number): Promise<{ written: number | null; run: string }> {
    const [written, run] = (await this.#redis.eval(OPEN_FILE, 1, this.#base, file, size)) as [number, string];
    return { written: written < 0 ? null : written, run };
  }

  /** Records lines that are in a file and that Redis does not know of, and that the file is used up to `size`. */
  async adopt(file: string, size: number, lines: readonly { id: string; failed: boolean }[]): Promise<void> {
    const args = lines.flatMap(({ id, failed }) => [id, failed ? 'f' : 'd']);
    await this.#redis.eval(ADOPT, 1, this.#base, file, size, ...args);
  }

  /** Counts how often an item was begun, alone, by a worker that has not come back. @returns How often before. */
  async begin(id: string): Promise<number> {
    return (await this.#redis.hincrby(`${this.#base}:begun`, id, 1)) - 1;
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#redis.hdel(`${this.#base}:begun`, ...ids);
  }

  async counts(): Promise<LedgerCounts> {
    const [total, done, failed] = await this.#redis.hmget(`${this.#base}:counts`, 'total', 'done', 'failed');
    return { total: Number(total ?? 0), done: Number(done ?? 0), failed: Number(failed ?? 0) };
  }
}

// --- below this line: helpers of this file alone ---

const STATE_OF: Record<string, ItemState> = { '': 'waiting', w: 'waiting', d: 'done', f: 'failed' };

function flat(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ id, failed, line }) => [id, failed ? 'f' : 'd', line]);
}

/** Reads `<d or f> <offset> <file>\n<line>`, as the scripts keep it. */
function placedOf(id: string, entry: string): Placed {
  const found = /^[df] (\d+) (.+)\n(.*\n)$/.exec(entry);
  if (found === null) throw new FerError('QUEUE', 'the ledger of this queue is damaged, or of another version');
  return { id, offset: Number(found[1]), file: found[2], line: found[3] };
}
