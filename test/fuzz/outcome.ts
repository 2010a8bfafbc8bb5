import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FerError } from '../../src/errors.js';

/** Most time of the processor that one case may take, milliseconds. What waits forever runs into the time limit of its test. */
const MOST = 2000;

/** Inputs that broke something, by target: `npm run fuzz` leaves them here; mended, they move to `regressions`. */
const FOUND = resolve('test/fuzz/found');

/**
 * Runs one hostile case: it must give a right answer or a FerError, in time.
 *
 * @param input - What is kept when it does neither: bytes, or anything that JSON takes.
 * @param work - Runs it, and throws when the answer is wrong; it may give a word for the kind of answer.
 * @param most - Milliseconds of the processor that it may take.
 * @returns The FerError's code, or 'answer', or the word.
 */
export async function outcome(target: string, input: unknown, work: () => unknown, most = MOST): Promise<string> {
  const once = async () => {
    const before = process.cpuUsage();
    let told = 'answer';
    try {
      const answer = await work();
      if (typeof answer === 'string') told = answer;
    } catch (error) {
      if (!(error instanceof FerError)) throw error;
      // Messages end up in terminals and logs, where a line must stay one.
      if (/\p{Cc}/u.test(error.message)) {
        throw new Error(`a message with control characters: ${JSON.stringify(error.message)}`);
      }
      if (error.message.length > 4000) throw new Error(`a message of ${error.message.length} characters`);
      told = error.code;
    }
    const { user, system } = process.cpuUsage(before);
    return { told, took: (user + system) / 1000 };
  };
  try {
    let { told, took } = await once();
    // Again, because the first case also loads and compiles.
    if (took > most) ({ told, took } = await once());
    if (took > most) throw new Error(`took ${Math.round(took)} ms of the processor`);
    return told;
  } catch (error) {
    keep(target, input);
    throw error;
  }
}

function keep(target: string, input: unknown): void {
  const bytes = input instanceof Uint8Array ? input : Buffer.from(JSON.stringify(input) ?? String(input));
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  mkdirSync(join(FOUND, target), { recursive: true });
  writeFileSync(join(FOUND, target, name), bytes);
}
