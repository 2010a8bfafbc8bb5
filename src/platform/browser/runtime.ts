import { FerError } from '../../errors.js';
import type { Asset, CheckpointStore, Runtime, Thread } from '../../runtime.js';
import { decode } from './decode.js';

async function readAsset(
  candidates: readonly URL[],
  accept: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): Promise<Asset | null> {
  for (const url of candidates) {
    try {
      const response = await fetch(url);
      if (!response.ok) continue;
      const bytes = new Uint8Array(await response.arrayBuffer());
      // A development server may answer any path with its index page: only the bytes show it.
      if (accept(bytes)) return { url, bytes };
      const place = url.searchParams.has('import') ? addressIn(bytes) : null;
      if (place !== null) {
        const told = await readAsset([new URL(place, url)], accept);
        if (told !== null) return told;
      }
    } catch {
      // The next candidate may be there; the caller reports when none is.
    }
  }
  return null;
}

/** The address in a module that contains only the address of a file, as Vite makes for `?url`. */
function addressIn(bytes: Uint8Array<ArrayBuffer>): string | null {
  if (bytes.length > 10_000) return null;
  return /^export default "([^"]+)"/.exec(new TextDecoder().decode(bytes))?.[1] ?? null;
}

function toUrl(address: string): URL {
  return new URL(address, globalThis.location?.href);
}

function packageFile(): null {
  return null;
}

function checkpointFolder(path: string): CheckpointStore {
  throw new FerError('OPTION', `checkpoint '${path}': a browser has no folders, pass an object { save, load }`);
}

function startGradientWorker(): Thread {
  throw new FerError('OPTION', 'workers: threads with shared memory exist only in Node; leave it out in browsers');
}

export const runtime: Runtime = { decode, readAsset, toUrl, packageFile, checkpointFolder, startGradientWorker };
