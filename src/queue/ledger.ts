import { randomUUID } from 'node:crypto';
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
import { redisError } from './redis-error.js';

/** A result to record. */
export interface Outcome {
  id: string;
  failed: boolean;
  /** The result as JSON, with a line end. */
  line: string;
  /** Replaces a damaged entry of the ledger. */
  replaces?: boolean;
}

/** A result and its place in a file. Writing it there again changes nothing. */
export interface Placed {
  id: string;
  /** Identifies the file in the ledger. */
  file: string;
  /** Byte offset of the line. */
  offset: number;
  line: string;
}

/** State of an item: not done, done, failed, placed in a file and perhaps not written yet, or with an invalid entry. */
export type ItemState = 'waiting' | 'done' | 'failed' | 'damaged' | Placed;

/** Counts of all items that were ever enqueued. */
export interface LedgerCounts {
  total: number;
  done: number;
  failed: number;
}

/** A ledger's data about a results file. */
export interface OpenedFile {
  written: number | null;
  run: string;
  seconds: number;
  least: number;
}

/** The parts of an ioredis client that are used. */
interface RedisClient {
  eval(script: string, keys: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
  hincrby(key: string, field: string, by: number): Promise<number>;
  hdel(key: string, ...fields: string[]): Promise<number>;
}

/**
 * The state of every item of a queue, kept in Redis. Each change is one script, which Redis runs completely or not at all. With a
 * million items, each takes 51 bytes there (docs/scaling.md).
 *
 * @throws QueueStop from any call when part of the ledger is gone; FerError `UNREACHABLE` or `QUEUE` for errors of Redis.
 */
export class Ledger {
  readonly #redis: RedisClient;
  readonly #queue: string;
  readonly #base: string;
  #epoch: Promise<string> | undefined;

  constructor(redis: RedisClient, queue: string) {
    this.#redis = redis;
    this.#queue = queue;
    // Braces keep all keys of a queue in one slot.
    this.#base = `fer:{${queue}}`;
  }

  /** The queue's name. */
  get queue(): string {
    return this.#queue;
  }

  /** Uses the existing ledger, or starts a new one. @returns The id of the ledger. */
  open(): Promise<string> {
    const opening = this.#reply(this.#redis.eval(OPEN, 1, this.#base, randomUUID()) as Promise<string>);
    opening.catch(() => {
      if (this.#epoch === opening) this.#epoch = undefined;
    });
    this.#epoch = opening;
    return opening;
  }

  /** Checks that this is still the ledger that was opened. @returns The id of this run of Redis. */
  check(): Promise<string> {
    return this.#run(CHECK, []);
  }

  /** Adds items that are not yet known. @returns Which of them are new, and which are still to be done. */
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
   * Assigns every result that is not yet recorded a place in a file; results with a place keep it.
   *
   * @param file - Identifies the file.
   * @param run - The run of Redis that {@link openFile} returned.
   * @returns The lines to write; null if Redis was restarted meanwhile: open the file again.
   */
  async commitToFile(file: string, run: string, outcomes: readonly Outcome[]): Promise<Placed[] | null> {
    const entries = await this.#run<string[] | null>(COMMIT_TO_FILE, [file, run, ...flat(outcomes)]);
    if (entries === null) return null;
    const placed = outcomes.map(({ id }, i) => (entries[i] === '' ? null : placedOf(id, entries[i])));
    if (placed.includes('damaged')) {
      // A replaced entry cannot be damaged again: the line itself is not a result, and asking again would never end.
      const hopeless = outcomes.find(({ replaces }, i) => replaces && placed[i] === 'damaged');
      if (hopeless) throw new FerError('QUEUE', `not a result of its item: ${hopeless.line.slice(0, 200)}`);
      const again = outcomes.map((outcome, i) => (placed[i] === 'damaged' ? { ...outcome, replaces: true } : outcome));
      return this.commitToFile(file, run, again);
    }
    return placed.filter((each): each is Placed => each !== null && each !== 'damaged');
  }

  /**
   * Marks results as written.
   *
   * @param run - The run of Redis that gave them their places.
   * @returns False, and nothing is marked, when Redis was restarted since: it may have forgotten the places.
   */
  async settleWritten(ids: readonly string[], run: string): Promise<boolean> {
    return ids.length === 0 || (await this.#run(SETTLE_WRITTEN, [run, ...ids])) !== null;
  }

  /** Appends results that are not recorded yet to a Redis stream and records them, in one script. */
  async commitToStream(stream: string, outcomes: readonly Outcome[]): Promise<void> {
    await this.#run(COMMIT_TO_STREAM, flat(outcomes), stream);
  }

  /** Records results that a sink outside Redis has stored. */
  async settle(outcomes: readonly Outcome[]): Promise<void> {
    await this.#run(SETTLE, flat(outcomes));
  }

  /**
   * Adds a results file to the ledger, unless it is already there.
   *
   * @param size - Its length in bytes.
   * @returns `written`: the bytes in use as Redis knows them, null when the file is new; `run` identifies this run of Redis, and
   * `seconds` is its age; `least`: the bytes that the file must have, as they were written into it.
   */
  async openFile(file: string, size: number): Promise<OpenedFile> {
    const opened = await this.#run<[number, string, number, number]>(OPEN_FILE, [file, size]);
    const [written, run, seconds, least] = opened;
    return { written: written < 0 ? null : written, run, seconds, least };
  }

  /** Records lines of a file that Redis does not know, and that the file is in use up to `size`. */
  async adopt(file: string, size: number, lines: readonly { id: string; failed: boolean }[]): Promise<void> {
    await this.#run(ADOPT, [file, size, ...lines.flatMap(({ id, failed }) => [id, failed ? 'f' : 'd'])]);
  }

  /** Counts the starts of an item that is classified alone. @returns The starts before this one, by workers that died. */
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

/** Most items of one script. */
const MOST_IDS = 5000;

const STATE_OF: Record<string, ItemState> = { '': 'waiting', w: 'waiting', d: 'done', f: 'failed' };

function flat(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ id, failed, line, replaces }) => {
    const outcome = failed ? 'f' : 'd';
    return [id, replaces ? outcome.toUpperCase() : outcome, line];
  });
}

/** Reads `<d or f> <offset> <file>\n<line>`, the format of the scripts; other programs may have written something else. */
function placedOf(id: string, entry: string): Placed | 'damaged' {
  const end = entry.indexOf('\n');
  const found = /^[df] (\d{1,15}) ([^\n]+)$/.exec(entry.slice(0, end));
  const line = entry.slice(end + 1);
  if (found === null || !isResultOf(id, line)) return 'damaged';
  return { id, offset: Number(found[1]), file: found[2], line };
}

/** Whether a line is a result of the item. */
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
