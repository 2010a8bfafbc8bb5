import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError, reasonOf } from '../errors.js';
import { fromFiles } from '../model/artifacts.js';
import type { ModelJson } from '../model/weights-manifest.js';

/**
 * Loads a TF.js Layers model from files, such as `saveModel` wrote, and checks the binary's length and, where
 * `model.json` has one, its sha256.
 *
 * @param path - `model.json`, or the folder that it lies in.
 * @throws FerError `NOT_FOUND`, `MODEL` when it is no such model, `WEIGHTS_CORRUPT`.
 * @example
 * const model = await loadModel('runs/first');
 */
export async function loadModel(path: string): Promise<LayersModel> {
  const file = (await isFolder(path)) ? join(path, 'model.json') : path;
  const json = parsed(file, await read(file));
  const names = json.weightsManifest?.flatMap?.((group) => group?.paths ?? []) ?? [];
  if (names.some((name) => typeof name !== 'string' || name.includes('..'))) {
    throw new FerError('MODEL', `${file} names its binaries outside its folder`);
  }
  const binaries = await Promise.all(names.map((name) => read(join(dirname(file), name))));
  return fromFiles({ json, binary: new Uint8Array(Buffer.concat(binaries)) });
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
