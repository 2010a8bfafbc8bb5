import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Asset, Runtime } from '../../runtime.js';
import { checkpointFolder } from './checkpoint-folder.js';
import { decode } from './decode.js';
import { startGradientWorker } from './start-gradient-worker.js';

async function readAsset(
  candidates: readonly URL[],
  accept: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): Promise<Asset | null> {
  for (const url of candidates) {
    try {
      const bytes = url.protocol === 'file:' ? new Uint8Array(await readFile(fileURLToPath(url))) : await download(url);
      if (accept(bytes)) return { url, bytes };
    } catch {
      // The next candidate may be there; the caller reports when none is.
    }
  }
  return null;
}

async function download(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function toUrl(address: string): URL {
  return /^[a-z][a-z0-9+.-]+:/i.test(address) ? new URL(address) : pathToFileURL(address);
}

function packageFile(file: string): URL | null {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(file));
  } catch {
    return null;
  }
}

/** Loads `node:crypto` when it is needed: a program that only classifies starts sooner without it. */
function sha256(bytes: Uint8Array): Uint8Array {
  const { createHash }: typeof import('node:crypto') = createRequire(import.meta.url)('node:crypto');
  return createHash('sha256').update(bytes).digest();
}

export const runtime: Runtime = {
  ...{ decode, readAsset, toUrl, packageFile },
  ...{ checkpointFolder, startGradientWorker, sha256 },
};
