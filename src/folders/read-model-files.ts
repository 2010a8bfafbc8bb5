import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { declaredBytes, factsOf, type ModelJson } from '../network/weights-manifest.js';
import type { ModelFiles } from '../tfjs/model/artifacts.js';

/** Largest `model.json` in bytes; a network with a thousand layers needs one million. */
const MOST_JSON = 32 * 2 ** 20;

/**
 * Reads the files of a TF.js Layers model. The content of the binary is not checked, but it is read only if its length is the one
 * in `model.json`.
 *
 * @param path - `model.json`, or its folder.
 * @throws FerError `NOT_FOUND`; `MODEL` when `model.json` is not JSON, is not a Layers model, or names binaries outside its folder;
 * `WEIGHTS_CORRUPT`.
 */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const kind = await sizeOf(path, `no model at ${path}`);
  const file = kind === 'folder' ? join(path, 'model.json') : path;
  const length = kind === 'folder' ? await sizeOf(file) : kind;
  if (length === 'folder' || length > MOST_JSON) throw new FerError('MODEL', `${file} is not a file of at most 32 MB`);
  const json = parsed(file, await read(file));
  const expected = declaredBytes(json);

  const names = json.weightsManifest.flatMap((group) => group.paths ?? []);
  if (names.some((name) => typeof name !== 'string' || name.includes('..'))) {
    throw new FerError('MODEL', `${file} names its binaries outside its folder`);
  }
  const twice = new FerError('MODEL', `${file} names a binary twice`);
  const paths = names.map((name) => join(dirname(file), name));
  if (new Set(paths).size < paths.length) throw twice;
  if (json.weightData !== undefined) return { json, binary: ownBinary(json, expected, file) };
  let there = 0;
  // One file that is named a thousand times would be read a thousand times. Files are compared by identity, not by spelling.
  const seen = new Set<string>();
  for (const each of paths) {
    const bytes = await sizeOf(each);
    if (bytes === 'folder') throw new FerError('NOT_FOUND', `cannot read ${each}: it is a folder`);
    const { dev, ino } = await stat(each, { bigint: true });
    if (ino > 0n && seen.has(`${dev} ${ino}`)) throw twice;
    seen.add(`${dev} ${ino}`);
    there += bytes;
  }
  if (there !== expected) {
    throw new FerError(
      'WEIGHTS_CORRUPT',
      `the weights are ${there} bytes, ${file} says ${expected}${await staleOf(file, paths)}`,
    );
  }
  const binaries = await Promise.all(paths.map((each) => read(each)));
  const binary = new Uint8Array(Buffer.concat(binaries));
  const { sha256 } = factsOf(json);
  const found = sha256 === undefined ? undefined : createHash('sha256').update(binary).digest('hex');
  if (found !== sha256) {
    throw new FerError(
      'WEIGHTS_CORRUPT',
      `the weights' sha256 is ${found}, ${file} says ${sha256}${await staleOf(file, paths)}`,
    );
  }
  return { json, binary };
}

/** Which of two mismatched files comes from an earlier model: the files are written one after the other. */
async function staleOf(file: string, binaries: readonly string[]): Promise<string> {
  const [json, ...others] = await Promise.all([file, ...binaries].map((each) => stat(each)));
  const weights = Math.max(...others.map(({ mtimeMs }) => mtimeMs));
  if (weights === json.mtimeMs) return '';
  const older = weights > json.mtimeMs ? basename(file) : basename(binaries[0]);
  return `; ${older} is the older file, from another model or an interrupted save: save the model again`;
}

/** The binary of a single-file model. */
function ownBinary(json: ModelJson, expected: number, file: string): Uint8Array {
  const text = json.weightData;
  if (typeof text !== 'string' || text.length !== 4 * Math.ceil(expected / 3)) {
    throw new FerError('WEIGHTS_CORRUPT', `${file} does not contain the ${expected} bytes of weights that it declares`);
  }
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  if (bytes.length !== expected) throw new FerError('WEIGHTS_CORRUPT', `the weights in ${file} are damaged`);
  return bytes;
}

/** The bytes of a file; pipes and devices, which may never end, are refused. */
async function sizeOf(path: string, what = `cannot read ${path}`): Promise<number | 'folder'> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (error) {
    throw new FerError('NOT_FOUND', `${what}: ${reasonOf(error)}`, { cause: error });
  }
  if (found.isDirectory()) return 'folder';
  if (!found.isFile()) throw new FerError('NOT_FOUND', `${what}: it is neither a file nor a folder`);
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
    throw new FerError('MODEL', `${path} is not JSON: ${reasonOf(error)}`, { cause: error });
  }
}
