import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { declaredBytes, type ModelJson } from '../network/weights-manifest.js';
import type { ModelFiles } from '../tfjs/model/artifacts.js';

/** Bytes that a `model.json` may have; that of a network with a thousand layers has one million. */
const MOST_JSON = 32 * 2 ** 20;

/**
 * Reads the files of a TF.js Layers model. What the binary holds is not looked at, but it is read only when it is as long as
 * `model.json` says.
 *
 * @param path - `model.json`, or the folder that it lies in.
 * @throws FerError `NOT_FOUND`; `MODEL` when `model.json` is no JSON, no Layers model or names binaries outside its folder;
 * `WEIGHTS_CORRUPT`.
 */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const found = await sizeOf(path, `no model at ${path}`);
  const file = found === 'folder' ? join(path, 'model.json') : path;
  const length = found === 'folder' ? await sizeOf(file) : found;
  if (length === 'folder' || length > MOST_JSON) throw new FerError('MODEL', `${file} is no file of up to 32 MB`);
  const json = parsed(file, await read(file));
  const expected = declaredBytes(json);

  const names = json.weightsManifest.flatMap((group) => group.paths ?? []);
  if (names.some((name) => typeof name !== 'string' || name.includes('..'))) {
    throw new FerError('MODEL', `${file} names its binaries outside its folder`);
  }
  // One file read a thousand times would be as long as a thousand files.
  if (new Set(names).size < names.length) throw new FerError('MODEL', `${file} names a binary twice`);
  const paths = names.map((name) => join(dirname(file), name));
  let there = 0;
  for (const each of paths) {
    const bytes = await sizeOf(each);
    if (bytes === 'folder') throw new FerError('NOT_FOUND', `cannot read ${each}: it is a folder`);
    there += bytes;
  }
  if (there !== expected) {
    throw new FerError('WEIGHTS_CORRUPT', `the weights are ${there} bytes, ${file} says ${expected}`);
  }
  const binaries = await Promise.all(paths.map((each) => read(each)));
  return { json, binary: new Uint8Array(Buffer.concat(binaries)) };
}

// --- below this line: helpers of this file alone ---

/** Bytes of a file; pipes and devices, which have no end, are none. */
async function sizeOf(path: string, what = `cannot read ${path}`): Promise<number | 'folder'> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (error) {
    throw new FerError('NOT_FOUND', `${what}: ${reasonOf(error)}`, { cause: error });
  }
  if (found.isDirectory()) return 'folder';
  if (!found.isFile()) throw new FerError('NOT_FOUND', `${what}: it is neither file nor folder`);
  return found.size;
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
