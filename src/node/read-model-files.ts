import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import type { ModelFiles } from '../model/artifacts.js';
import type { ModelJson } from '../model/weights-manifest.js';

/**
 * Reads the files of a TF.js Layers model, unchecked.
 *
 * @param path - `model.json`, or the folder that it lies in.
 * @throws FerError `NOT_FOUND`; `MODEL` when `model.json` is no JSON or names binaries outside its folder.
 */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const file = (await isFolder(path)) ? join(path, 'model.json') : path;
  const json = parsed(file, await read(file));
  const names = json.weightsManifest?.flatMap?.((group) => group?.paths ?? []) ?? [];
  if (names.some((name) => typeof name !== 'string' || name.includes('..'))) {
    throw new FerError('MODEL', `${file} names its binaries outside its folder`);
  }
  const binaries = await Promise.all(names.map((name) => read(join(dirname(file), name))));
  return { json, binary: new Uint8Array(Buffer.concat(binaries)) };
}

// --- below this line: helpers of this file alone ---

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new FerError('NOT_FOUND', `no model at ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new FerError('NOT_FOUND', `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function parsed(path: string, bytes: Buffer): ModelJson {
  try {
    return JSON.parse(bytes.toString('utf8')) as ModelJson;
  } catch (error) {
    throw new FerError('MODEL', `${path} is no JSON: ${reasonOf(error)}`, { cause: error });
  }
}
