import { sha256 as inJavaScript } from '@noble/hashes/sha2';
import { runtime } from '#runtime';

/** The sha256 of bytes, at once: by the platform where it can, otherwise in JavaScript. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return runtime.sha256?.(bytes) ?? inJavaScript(bytes);
}
