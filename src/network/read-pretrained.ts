import { type Assets, readAssetBytes, shippedAt } from '../platform/assets.js';

/**
 * Reads `weights.bin` without checking it.
 *
 * @throws FerError `WEIGHTS_UNREACHABLE`.
 */
export function readPretrained(assets?: Assets): Promise<Uint8Array<ArrayBuffer>> {
  const name = 'weights.bin';
  const shipped = () =>
    shippedAt(new URL('../../weights/weights.bin', import.meta.url), 'weights/weights.bin', import.meta.url);
  return readAssetBytes({ name, shipped, accept: (bytes) => !isPage(bytes), code: 'WEIGHTS_UNREACHABLE' }, assets);
}

/** Whether a server returned its index page, as some do for any address. The sha256 detects other wrong bytes. */
function isPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html|!--)/i.test(String.fromCharCode(...bytes.subarray(0, 100)));
}
