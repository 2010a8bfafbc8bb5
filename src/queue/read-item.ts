import { constants, readlinkSync } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { fetchImage } from './fetch-image.js';
import { hostOf } from './host-of.js';
import { type QueueItem, schemeOf } from './items.js';

export interface ReadItemOptions {
  /**
   * Folders below which images are read. A relative path is searched below each, in this order.
   * @default none
   */
  roots?: readonly string[];
  /**
   * Hosts whose http(s) addresses are read: `images.example.com`, `images.example.com:8443`. Addresses in a private
   * network are still refused.
   * @default none
   */
  hosts?: readonly string[];
  /**
   * Like `hosts`, but private addresses are allowed: for an object store in your own network.
   * @default none
   */
  privateHosts?: readonly string[];
  /**
   * Largest image, encoded.
   * @default 64 MiB
   */
  maxBytes?: number;
  /**
   * Longest time for one image from the network, milliseconds.
   * @default 30000
   */
  fetchTimeout?: number;
}

/** The default of `maxBytes`. */
export const DEFAULT_MAX_BYTES = 64 * 2 ** 20;

/** Waits until there is memory for a number of bytes. */
export type Room = (bytes: number) => Promise<void>;

/** Reads the bytes of items, from allowed places only. */
export type ItemReader = (item: QueueItem, signal?: AbortSignal, room?: Room) => Promise<Uint8Array>;

/**
 * Makes a reader that reads below its roots and from its hosts only: no `..`, no symbolic link that leads out, no `file:`, no
 * private address.
 *
 * @throws FerError `NOT_FOUND` for a missing root. The reader throws `REFUSED`, `NOT_FOUND`, `TOO_LARGE`, `UNREACHABLE`.
 */
export async function itemReader(options: ReadItemOptions): Promise<ItemReader> {
  const hosts = (options.hosts ?? []).map((name) => hostOf(name) ?? name);
  const privateHosts = (options.privateHosts ?? []).map((name) => hostOf(name) ?? name);
  const { maxBytes = DEFAULT_MAX_BYTES, fetchTimeout: timeoutMs = 30_000 } = options;
  const roots = await Promise.all((options.roots ?? []).map(rootOf));
  return async ({ ref, bytes, error }, signal, room = async () => {}) => {
    if (error !== undefined) throw error;
    if (bytes !== undefined) {
      await room(bytes.length);
      return bytes;
    }
    if (schemeOf(ref) === null) return readBelow(roots, ref, maxBytes, room);
    return fetchImage(ref, { hosts, privateHosts, maxBytes, timeoutMs, signal, room });
  };
}

interface Root {
  /** As passed by the caller, absolute. */
  given: string;
  /** Without symbolic links. */
  real: string;
}

async function rootOf(root: string): Promise<Root> {
  try {
    return { given: resolve(root), real: await realpath(root) };
  } catch (error) {
    throw new FerError('NOT_FOUND', `the root ${root} cannot be found: ${reasonOf(error)}`, { cause: error });
  }
}

async function readBelow(roots: readonly Root[], ref: string, maxBytes: number, room: Room): Promise<Uint8Array> {
  let missing: FerError | undefined;
  for (const root of roots) {
    const path = isAbsolute(ref) ? resolve(ref) : join(root.given, ref);
    // Checked before the file system is read, so that nobody learns which files exist outside.
    if (!isBelow(path, root.given) && !isBelow(path, root.real)) continue;
    try {
      const real = await realpath(path);
      if (isBelow(real, root.real)) return await readWhole(real, root, ref, maxBytes, room);
    } catch (error) {
      if (!isOfTheSystem(error)) throw error;
      missing = new FerError('NOT_FOUND', `${ref} cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  }
  throw missing ?? outside(ref);
}

function isBelow(path: string, root: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function outside(ref: string): FerError {
  return new FerError('REFUSED', `${ref} lies outside the roots of this worker (--root adds one)`);
}

function isOfTheSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}

async function readWhole(real: string, root: Root, ref: string, maxBytes: number, room: Room): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    // Non-blocking, because a pipe would block the worker forever.
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    // A folder may have become a link since it was checked; Linux reports which file was opened.
    if (process.platform === 'linux' && !isBelow(readlinkSync(`/proc/self/fd/${handle.fd}`), root.real))
      throw outside(ref);
    const found = await handle.stat();
    if (!found.isFile()) throw new FerError('INPUT', `${ref} is not a regular file`);
    if (found.size > maxBytes)
      throw new FerError('TOO_LARGE', `${ref} has ${found.size} bytes, the limit is ${maxBytes}`);
    await room(found.size);
    // A separate buffer, which can be transferred to a thread, and no larger than allowed, because a file may grow.
    const bytes = new Uint8Array(found.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle?.close();
  }
}
