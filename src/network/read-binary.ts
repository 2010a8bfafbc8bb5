import { runtime } from '#runtime';
import { FerError } from '../errors.js';
import { addressesOf, assetCandidates } from '../platform/asset-candidates.js';

/**
 * Reads `weights.bin`, unchecked.
 *
 * @param url - Where it lies, as an address (a path in Node).
 * @param advice - What to do where it is not found, for the message.
 * @throws FerError `WEIGHTS_UNREACHABLE`.
 */
export async function readBinary(url: string | undefined, advice: string): Promise<Uint8Array> {
  const candidates = addressesOf(() => (url === undefined ? shipped() : [runtime.toUrl(url)]));
  const asset = await runtime.readAsset(candidates, (bytes) => !isPage(bytes));
  if (asset === null)
    throw new FerError(
      'WEIGHTS_UNREACHABLE',
      `no weights at ${candidates.join(' nor ') || 'a known place'}: ${advice}`,
    );
  return asset.bytes;
}

// --- below this line: helpers of this file alone ---

function shipped(): URL[] {
  const beside = new URL('../../weights/weights.bin', import.meta.url);
  return assetCandidates(beside, 'weights/weights.bin', import.meta.url);
}

/** Whether a server gave its index page, as some do for any address; other wrong bytes are told by their sha256. */
function isPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html|!--)/i.test(String.fromCharCode(...bytes.subarray(0, 100)));
}
