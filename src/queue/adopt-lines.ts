import { open } from 'node:fs/promises';
import { FerError, reasonOf } from '../errors.js';
import { itemId } from './items.js';
import type { Ledger } from './result-sink.js';

/**
 * Makes a results file and a ledger agree: records the results in the file that the ledger does not know, because Redis was
 * emptied or lost its last writes. The next result overwrites a last line that is incomplete.
 *
 * @param id - What the ledger knows the file by.
 * @param from - First byte to read. @default the first one that Redis does not know
 * @returns The run of Redis that knows the file now.
 * @throws FerError `UNREACHABLE` when the file cannot be read; as {@link Ledger}.
 */
export async function adoptLines(file: string, id: string, ledger: Ledger, from?: number): Promise<string> {
  try {
    const handle = await open(file, 'r+');
    try {
      // The size comes first: what is written from now on gets a place behind it.
      const { size } = await handle.stat();
      const { written, run } = await ledger.openFile(id, size);
      let at = from ?? written ?? 0;
      let rest = Buffer.alloc(0);
      while (at + rest.length < size) {
        const chunk = Buffer.alloc(Math.min(CHUNK, size - at - rest.length));
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, at + rest.length);
        if (bytesRead === 0) break;
        const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
        const end = bytes.lastIndexOf(LINE_END) + 1;
        const whole = bytes.subarray(0, end);
        await ledger.adopt(id, at + end, whole.toString('utf8').split('\n').flatMap(recordOf));
        // Places of results that neither a worker nor Redis has any more: filled with spaces, which JSON lines may have.
        if (fillHoles(whole)) await handle.write(whole, 0, end, at);
        at += end;
        rest = bytes.subarray(end);
      }
      if (written === null) await ledger.adopt(id, at, []);
      return run;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new FerError('UNREACHABLE', `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

const CHUNK = 1 << 20;
const LINE_END = 10;

function recordOf(line: string): { id: string; failed: boolean }[] {
  try {
    const { item, error } = JSON.parse(line.replace(/^\0+/, '')) as { item?: unknown; error?: unknown };
    return typeof item === 'string' ? [{ id: itemId(item), failed: error !== undefined }] : [];
  } catch {
    return [];
  }
}

function fillHoles(bytes: Buffer): boolean {
  let found = false;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at)) {
    found = true;
    while (bytes[at] === 0) bytes[at++] = 32;
  }
  return found;
}
