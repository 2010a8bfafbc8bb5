import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FerError } from '../errors.js';
import { itemId } from './items.js';
import {
  ADOPT,
  CHECK,
  COMMIT_TO_FILE,
  COMMIT_TO_STREAM,
  COUNTS,
  OPEN,
  OPEN_FILE,
  REGISTER,
  SETTLE,
  SETTLE_WRITTEN,
  STATES,
} from './ledger-scripts.js';
import { QueueStop } from './queue-stop.js';
import { redisError } from './redis-error.js';

/** A result that is to be recorded. */
export interface Outcome {
  id: string;
  failed: boolean;
  /** The result as JSON, with a line end. */
  line: string;
  /** Takes the place of a ledger's entry that is damaged. */
  replaces?: boolean;
}

/** A result's place in a file: whoever writes it there, however often, writes the same. */
export interface Placed {
  id: string;
  /** What the ledger knows the file by. */
  file: string;
  /** Byte offset of the line. */
  offset: number;
  line: string;
}

/** How an item stands: not done, done, failed, placed in a file and perhaps not written yet, or of an entry that is none. */
export type ItemState = 'waiting' | 'done' | 'failed' | 'damaged' | Placed;

/** How many items there are, of those ever enqueued. */
export interface LedgerCounts {
  total: number;
  done: number;
  failed: number;
}

/**
 * What has become of every item of a queue, kept in Redis; each change is one script, which Redis runs whole or not at
 * all. Of a million items each takes 51 bytes there (docs/scaling.md).
 *
 * @throws QueueStop from any call once part of the ledger is gone; FerError `UNREACHABLE` or `QUEUE` for what Redis refuses.
 */
export class Ledger {
  readonly #redis: Redis;
  readonly #queue: string;
  readonly #base: string;
  #epoch: Promise<string> | undefined;

  constructor(redis: Redis, queue: string) {
    this.#redis = redis;
    this.#queue = queue;
    // Braces: all of a queue lies in one slot.
    this.#base = `fer:{${queue}}`;
  }

  /** The queue's name. */
  get queue(): string {
    return this.#queue;
  }

  /** Begins with the ledger that there is now, or with a new one. @returns What it is known by. */
  open(): Promise<string> {
    const opening = this.#reply(this.#redis.eval(OPEN, 1, this.#base, randomUUID()) as Promise<string>);
    opening.catch(() => {
      if (this.#epoch === opening) this.#epoch = undefined;
    });
    this.#epoch = opening;
    return opening;
  }

  /** Asks whether this is still the ledger that was opened. */
  async check(): Promise<void> {
    await this.#run(CHECK, []);
  }

  /** Enters items that are not known yet. @returns Which are new, and which of all are still to be done. */
  async register(ids: readonly string[]): Promise<{ fresh: boolean[]; open: boolean[] }> {
    const states = await this.#run<string[]>(REGISTER, ids);
    return {
      fresh: states.map((state) => state === 'n'),
      open: states.map((state) => state !== 'd' && state !== 'f'),
    };
  }

  async states(ids: readonly string[]): Promise<ItemState[]> {
    const states: string[] = [];
    for (let first = 0; first < ids.length; first += MOST_IDS) {
      states.push(...(await this.#run<string[]>(STATES, ids.slice(first, first + MOST_IDS))));
    }
    return states.map((state, i) => STATE_OF[state] ?? placedOf(ids[i], state));
  }

  /**
   * Gives every result that is not recorded yet its place in a file; those that have one keep it.
   *
   * @param file - What the ledger knows it by.
   * @param run - Which run of Redis {@link openFile} spoke to.
   * @returns What is to be written; null when Redis has been restarted since: open the file again.
   */
  async commitToFile(file: string, run: string, outcomes: readonly Outcome[]): Promise<Placed[] | null> {
    const entries = await this.#run<string[] | null>(COMMIT_TO_FILE, [file, run, ...flat(outcomes)]);
    if (entries === null) return null;
    const placed = outcomes.map(({ id }, i) => (entries[i] === '' ? null : placedOf(id, entries[i])));
    if (placed.includes('damaged')) {
      // What was just replaced cannot be damaged again: the line itself is no result, and asking again would never end.
      const hopeless = outcomes.find(({ replaces }, i) => replaces && placed[i] === 'damaged');
      if (hopeless) throw new FerError('QUEUE', `not a result of its item: ${hopeless.line.slice(0, 200)}`);
      const again = outcomes.map((outcome, i) => (placed[i] === 'damaged' ? { ...outcome, replaces: true } : outcome));
      return this.commitToFile(file, run, again);
    }
    return placed.filter((each): each is Placed => each !== null && each !== 'damaged');
  }

  /** Marks results as written. */
  async settleWritten(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#run(SETTLE_WRITTEN, ids);
  }

  /** Appends results that are not recorded yet to a Redis stream, and records them, in one. */
  async commitToStream(stream: string, outcomes: readonly Outcome[]): Promise<void> {
    await this.#run(COMMIT_TO_STREAM, flat(outcomes), stream);
  }

  /** Records results that a sink of its own has taken. */
  async settle(outcomes: readonly Outcome[]): Promise<void> {
    await this.#run(SETTLE, flat(outcomes));
  }

  /**
   * Makes a results file known.
   *
   * @param size - Its length in bytes.
   * @returns `written`: what Redis knows to be used of it, null when it does not know the file; `run`: which run of Redis
   * this is.
   * @throws QueueStop when the file is shorter than the results that were written into it.
   */
  async openFile(file: string, size: number): Promise<{ written: number | null; run: string }> {
    const [written, run, least] = await this.#run<[number, string, number]>(OPEN_FILE, [file, size]);
    if (size < least) {
      throw new QueueStop(
        `the results file of the queue ${this.#queue} has ${size} bytes, ${least} were written into it: put it back, or begin another queue`,
      );
    }
    return { written: written < 0 ? null : written, run };
  }

  /** Records lines that are in a file and that Redis does not know of, and that the file is used up to `size`. */
  async adopt(file: string, size: number, lines: readonly { id: string; failed: boolean }[]): Promise<void> {
    await this.#run(ADOPT, [file, size, ...lines.flatMap(({ id, failed }) => [id, failed ? 'f' : 'd'])]);
  }

  /** Counts how often an item was begun, alone, by a worker that has not come back. @returns How often before. */
  async begin(id: string): Promise<number> {
    return (await this.#reply(this.#redis.hincrby(`${this.#base}:begun`, id, 1))) - 1;
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#reply(this.#redis.hdel(`${this.#base}:begun`, ...ids));
  }

  async counts(): Promise<LedgerCounts> {
    const counted = (await this.#reply(this.#redis.eval(COUNTS, 1, this.#base))) as string[];
    const [total, done, failed] = counted.map(Number);
    return { total, done, failed };
  }

  async #run<Answer>(script: string, args: readonly (string | number)[], ...keys: string[]): Promise<Answer> {
    const epoch = await (this.#epoch ?? this.open());
    const asked = this.#redis.eval(script, 1 + keys.length, this.#base, ...keys, epoch, ...args);
    return (await this.#reply(asked)) as Answer;
  }

  async #reply<Answer>(asked: Promise<Answer>): Promise<Answer> {
    try {
      return await asked;
    } catch (error) {
      throw redisError(error, this.#queue);
    }
  }
}

/** Items that one script looks at. */
const MOST_IDS = 5000;

const STATE_OF: Record<string, ItemState> = { '': 'waiting', w: 'waiting', d: 'done', f: 'failed' };

function flat(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ id, failed, line, replaces }) => {
    const outcome = failed ? 'f' : 'd';
    return [id, replaces ? outcome.toUpperCase() : outcome, line];
  });
}

/** Reads `<d or f> <offset> <file>\n<line>`, as the scripts keep it; anybody may have written something else there. */
function placedOf(id: string, entry: string): Placed | 'damaged' {
  const end = entry.indexOf('\n');
  const found = /^[df] (\d{1,15}) ([^\n]+)$/.exec(entry.slice(0, end));
  const line = entry.slice(end + 1);
  if (found === null || !isResultOf(id, line)) return 'damaged';
  return { id, offset: Number(found[1]), file: found[2], line };
}

/** Whether a line is a result, of that very item. */
function isResultOf(id: string, line: string): boolean {
  if (line.indexOf('\n') !== line.length - 1) return false;
  try {
    const { item, predictions, faces, error, ...others } = JSON.parse(line);
    const answers = [Array.isArray(predictions), Array.isArray(faces), typeof error?.code === 'string'];
    const isOne = answers.filter(Boolean).length === 1;
    return itemId(item) === id && isOne && Object.keys(others).length === 0;
  } catch {
    return false;
  }
}
