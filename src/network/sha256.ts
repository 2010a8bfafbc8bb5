import { sha256 } from '@noble/hashes/sha2';

/**
 * Hex sha256 of bytes, by the platform where it has one. Pages that are not served securely and some engines have none:
 * there it is computed in JavaScript.
 */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  const digest =
    subtle === undefined
      ? sha256(bytes)
      : new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
