import type { Fallbacks } from './fallbacks.js';

/**
 * Hex sha256 of bytes, by `crypto.subtle`. Insecure pages and some engines lack it; they use the fallback.
 */
export async function sha256Of(bytes: Uint8Array, { sha256 }: Pick<Fallbacks, 'sha256'>): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  const digest =
    subtle === undefined
      ? await sha256(bytes)
      : new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
