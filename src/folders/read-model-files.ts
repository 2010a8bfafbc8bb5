import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { declaredBytes, factsOf, type ModelJson } from '../network/weights-manifest.js';
import type { ModelFiles } from '../tfjs/model/artifacts.js';

/** Bytes that a `model.json` may have; that of a network with a thousand layers has one million. */
const MOST_JSON = 32 * 2 ** 20;

/**
 * Reads the files of a TF.js Layers model. What the binary holds is not looked at, but it is read only when it is as long as
 * `model.json` says.
 *
 * @param path - `model.json`, or the folder that it lies in.
 * @throws FerError `NOT_FOUND`; `MODEL` when `model.json` is not JSON, no Layers model or names binaries outside its folder;
 * `WEIGHTS_CORRUPT`.
 */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const kind = await sizeOf(path, `no model at ${path}`);
  const file = kind === 'folder' ? join(path, 'model.json') : path;
  const length = kind === 'folder' ? await sizeOf(file) : kind;
  if (length === 'folder' || length > MOST_JSON) throw new FerError('MODEL', `${file} is no file of up to 32 MB`);
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
  // One file read a thousand times would be as long as a thousand files: told by what it is, not by how it is spelled.
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

/** Which of two files that do not belong together is left of an earlier model: they are written one after the other. */
async function staleOf(file: string, binaries: readonly string[]): Promise<string> {
  const [json, ...others] = await Promise.all([file, ...binaries].map((each) => stat(each)));
  const weights = Math.max(...others.map(({ mtimeMs }) => mtimeMs));
  if (weights === json.mtimeMs) return '';
  const older = weights > json.mtimeMs ? basename(file) : basename(binaries[0]);
  return `; ${older} is the older one, of another model or of a writing that was cut off: save the model again`;
}

/** The binary of a model in one file. */
function ownBinary(json: ModelJson, expected: number, file: string): Uint8Array {
  const text = json.weightData;
  if (typeof text !== 'string' || text.length !== 4 * Math.ceil(expected / 3)) {
    throw new FerError('WEIGHTS_CORRUPT', `${file} holds no weights of ${expected} bytes, as it says`);
  }
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  if (bytes.length !== expected) throw new FerError('WEIGHTS_CORRUPT', `the weights in ${file} are damaged`);
  return bytes;
}

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
