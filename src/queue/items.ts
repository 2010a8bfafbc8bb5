import { createHash } from 'node:crypto';
import { FerError } from '../errors.js';

/** One image of a job. */
export interface QueueItem {
  /** 22 characters that identify the item: always the same for the same reference. */
  id: string;
  /** A path, an http(s) address, or `sha256:…` for bytes; the `item` of its result. */
  ref: string;
  /** The image itself, if the job contains it. */
  bytes?: Uint8Array;
  /** Why the reference is invalid; this becomes its result. */
  error?: FerError;
}

/** The content of a job. Items are references, or bytes in base64. */
export interface JobData {
  version: 1;
  items: (string | { bytes: string })[];
}

/** Most bytes of an image inside a job: Redis is not meant to store images. */
export const MAX_ITEM_BYTES = 256 * 1024;

/** Most items of a job; `enqueue` makes no larger ones. */
export const MAX_ITEMS = 1000;

const MAX_REFERENCE = 4096;

/**
 * Checks a reference.
 *
 * @throws FerError `INPUT` for an invalid one; `REFUSED` if no worker would read it; `TOO_LARGE` for bytes.
 */
export function itemOf(reference: unknown): QueueItem {
  if (ArrayBuffer.isView(reference)) {
    const bytes = new Uint8Array(reference.buffer, reference.byteOffset, reference.byteLength);
    if (bytes.length > MAX_ITEM_BYTES) {
      throw new FerError(
        'TOO_LARGE',
        `an image of ${bytes.length} bytes is too large for a queue: pass its path or address`,
      );
    }
    const ref = `sha256:${sha256(bytes)}`;
    return { id: itemId(ref), ref, bytes };
  }
  if (typeof reference !== 'string' || reference === '') {
    throw new FerError('INPUT', 'an item is a path, an http(s) address, or bytes');
  }
  if (reference.includes('\0') || reference.length > MAX_REFERENCE) {
    throw new FerError(
      'INPUT',
      `${shown(reference)}: a path or address must not have NUL or more than ${MAX_REFERENCE} characters`,
    );
  }
  const ref = schemeOf(reference) === null ? reference : addressOf(reference);
  return { id: itemId(ref), ref };
}

/** Identifies the item of a result or reference: 132 bits of its sha256, in 22 characters. */
export function itemId(ref: string): string {
  return createHash('sha256').update(ref).digest('base64url').slice(0, 22);
}

/** Identifies a job: the same items make the same job, and a queue adds it once. */
export function jobId(items: readonly QueueItem[]): string {
  const hash = createHash('sha256');
  for (const { id } of items) hash.update(id);
  return `batch-${hash.digest('base64url')}`;
}

export function jobDataOf(items: readonly QueueItem[]): JobData {
  return {
    version: 1,
    items: items.map(({ ref, bytes }) => (bytes ? { bytes: Buffer.from(bytes).toString('base64') } : ref)),
  };
}

/**
 * Reads the content of a job. An invalid item has an `error`; the others get their results.
 *
 * @throws FerError `QUEUE` for a payload of another program or another version of this library.
 */
export function itemsOf(data: unknown): QueueItem[] {
  const { version, items } = (data ?? {}) as Partial<JobData>;
  if (version !== 1 || !Array.isArray(items)) {
    throw new FerError('QUEUE', `a job of another program or version: expected { version: 1, items }`);
  }
  if (items.length > MAX_ITEMS) {
    throw new FerError('QUEUE', `a job of another program: it has ${items.length} items, the limit is ${MAX_ITEMS}`);
  }
  return items.map((item: unknown) => {
    if (!isBytes(item) && typeof item !== 'string') {
      throw new FerError('QUEUE', 'a job with an item that is neither a reference nor bytes');
    }
    try {
      return itemOf(isBytes(item) ? Buffer.from(item.bytes, 'base64') : item);
    } catch (error) {
      const ref = isBytes(item) ? `sha256:${sha256(item.bytes)}` : shown(item);
      return { id: itemId(ref), ref, error: error as FerError };
    }
  });
}

/** The scheme of an address, or null for a path. A single letter is a drive. */
export function schemeOf(reference: string): string | null {
  return /^([a-z][a-z0-9+.-]+):/i.exec(reference)?.[1].toLowerCase() ?? null;
}

function isBytes(item: unknown): item is { bytes: string } {
  return typeof (item as { bytes?: unknown } | null)?.bytes === 'string';
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A reference as it appears in results: without a password, and cut when it is too long. */
function shown(reference: string): string {
  if (reference.length > MAX_REFERENCE) return `${reference.slice(0, 200)}...`;
  const url = schemeOf(reference) !== null && URL.canParse(reference) ? new URL(reference) : null;
  if (url === null || (url.username === '' && url.password === '')) return reference;
  return `${url.protocol}//...@${url.host}${url.pathname}`;
}

function addressOf(reference: string): string {
  const scheme = schemeOf(reference);
  if (scheme !== 'http' && scheme !== 'https') {
    throw new FerError('REFUSED', `${reference}: expected a path or http(s) address, got ${scheme}:`);
  }
  if (!URL.canParse(reference)) throw new FerError('INPUT', `${reference} is not an address`);
  const url = new URL(reference);
  if (url.username !== '' || url.password !== '') {
    throw new FerError('REFUSED', `${url.origin}: an address with a password would be written into queue and results`);
  }
  url.hash = '';
  return url.href;
}
