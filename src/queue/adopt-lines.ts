import { type FileHandle, open, stat } from 'node:fs/promises';
import { FerError, reasonOf } from '../errors.js';
import { itemId } from './items.js';
import type { OpenedFile } from './ledger.js';
import { QueueStop } from './queue-stop.js';
import type { Ledger } from './result-sink.js';

/** The result of {@link adoptLines}. */
export interface Adopted extends Pick<OpenedFile, 'run' | 'seconds'> {
  /** Bytes of the file. */
  size: number;
}

/**
 * Makes a results file and a ledger agree: records the results in the file that the ledger does not know, because Redis was
 * emptied or lost its last writes. The next result overwrites a last line that is incomplete.
 *
 * @param id - The ledger's id of the file.
 * @param from - First byte to read. @default the first byte that Redis does not know; then places without a line are filled
 * with spaces, which JSON lines allow, because their results are lost
 * @throws FerError `UNREACHABLE` when the file cannot be read; QueueStop when it is shorter than what was written into it; as
 * {@link Ledger}.
 */
export async function adoptLines(file: string, id: string, ledger: Ledger, from?: number): Promise<Adopted> {
  for (;;) {
    try {
      const handle = await open(file, 'r+');
      try {
        // Read the size first: everything that is written from now on is placed after it.
        const { size } = await handle.stat();
        const opened = await ledger.openFile(id, size);
        if (size >= opened.least) return await adoptFrom(handle, size, opened, id, ledger, from);
        const { size: now } = await stat(file);
        if (now < opened.least) throw tooShort(file, now, opened.least);
        // Another worker wrote in between: look again.
      } finally {
        await handle.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw new FerError('UNREACHABLE', `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  }
}

const CHUNK = 1 << 20;
const LINE_END = 10;
const SPACE = 32;

function tooShort(file: string, size: number, least: number): QueueStop {
  return new QueueStop(
    `the results file ${file} has ${size} bytes, ${least} were written into it: restore it, or start another queue`,
  );
}

async function adoptFrom(
  handle: FileHandle,
  size: number,
  { written, run, seconds }: OpenedFile,
  id: string,
  ledger: Ledger,
  from?: number,
): Promise<Adopted> {
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
    if (from === undefined) await fillHoles(handle, whole, at);
    at += end;
    rest = bytes.subarray(end);
  }
  if (written === null) await ledger.adopt(id, at, []);
  return { run, seconds, size };
}

function recordOf(line: string): { id: string; failed: boolean }[] {
  try {
    const { item, error } = JSON.parse(line.replace(/^\0+/, '')) as { item?: unknown; error?: unknown };
    return typeof item === 'string' ? [{ id: itemId(item), failed: error !== undefined }] : [];
  } catch {
    return [];
  }
}

/** Writes spaces over NUL bytes, and nothing else. */
export async function fillHoles(handle: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at)) {
    let end = at;
    while (bytes[end] === 0) end++;
    await handle.write(Buffer.alloc(end - at, SPACE), 0, end - at, offset + at);
    at = end;
  }
}
