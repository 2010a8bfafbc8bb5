import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FerError } from '../../errors.js';
import { readRegularFileSync } from '../../platform/node/read-regular-file.js';
import type { DatasetEntry, DatasetForm } from '../dataset-form.js';
import { splitNamed } from './split-folders.js';

/**
 * AffectNet: `images/<id>.jpg` with `annotations/<id>_exp.npy`, inside `train_set` and `val_set`, or directly in the folder.
 *
 * @see Mollahosseini, Hasani and Mahoor, "AffectNet", 2019
 */
export const affectNet: DatasetForm = {
  looks: 'AffectNet: images/ and annotations/*_exp.npy, in train_set/ and val_set/ or directly in the folder',
  async open(path) {
    if (!statSync(path).isDirectory()) return null;
    const parts = readdirSync(path).filter((name) => splitNamed(name) !== undefined && isPart(join(path, name)));
    if (parts.length === 0 && !isPart(path)) return null;
    const entries = (parts.length > 0 ? parts.sort() : ['']).flatMap((part) => {
      const split = splitNamed(part) ?? ('' as const);
      return partOf(join(path, part)).map((entry) => ({ ...entry, split }));
    });
    return { form: 'AffectNet', entries };
  },
};

const LABELS = ['neutral', 'happy', 'sad', 'surprised', 'fear', 'disgust', 'angry', 'contempt'];

function isPart(dir: string): boolean {
  if (!existsSync(join(dir, 'images')) || !existsSync(join(dir, 'annotations'))) return false;
  return readdirSync(join(dir, 'annotations')).some((name) => name.endsWith('_exp.npy'));
}

function partOf(dir: string): Omit<DatasetEntry, 'split'>[] {
  return readdirSync(join(dir, 'images'))
    .filter((name) => /\.(jpe?g|png)$/i.test(name))
    .sort()
    .map((name) => {
      const file = join(dir, 'annotations', `${name.replace(/\.\w+$/, '')}_exp.npy`);
      const value = npyValue(readRegularFileSync(file), file);
      const label = LABELS[Number(value)];
      if (label === undefined || value.trim() === '')
        throw new FerError('DATA', `${file}: expected a number from 0 to 7, got ${value}`);
      return { path: join(dir, 'images', name), label };
    });
}

/** The single value of an `.npy` file: text, as in AffectNet, or a number. */
function npyValue(bytes: Buffer, file: string): string {
  if (bytes.length < 12 || bytes.subarray(1, 6).toString('latin1') !== 'NUMPY')
    throw new FerError('DATA', `${file} is not an .npy file`);
  const wide = bytes[6] > 1;
  const from = (wide ? 12 : 10) + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.subarray(wide ? 12 : 10, from).toString('latin1');
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const body = bytes.subarray(from);
  const [, kind, size] = /^[<|=]([USiuf])(\d+)$/.exec(type) ?? [];
  const length = Number(size) * (kind === 'U' ? 4 : 1);
  if (kind === undefined || body.length < length)
    throw new FerError('DATA', `${file}: values of type ${type} are not supported`);
  if (kind === 'S') {
    // Strings are padded with zeros.
    let end = length;
    while (end > 0 && body[end - 1] === 0) end--;
    return body.subarray(0, end).toString('latin1');
  }
  if (kind === 'U') {
    const codes = Array.from({ length: Number(size) }, (_, i) => body.readUInt32LE(4 * i));
    return codes.map((code) => (code > 0 && code < 0x110000 ? String.fromCodePoint(code) : '')).join('');
  }
  if (kind === 'f') return String(length === 8 ? body.readDoubleLE() : body.readFloatLE());
  return String(length === 8 ? Number(body.readBigInt64LE()) : body.readIntLE(0, length));
}
