import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerError } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import type { DatasetEntry, DatasetForm, SplitName } from '../dataset-form.js';
import { type FileLine, fileLines } from '../file-lines.js';

/**
 * FER2013 as one CSV, `fer2013.csv` (`emotion,pixels,Usage`) or `icml_face_data.csv`, and CK+ in the same form. If FER+'s
 * `fer2013new.csv` is in the same folder, with the same rows, the labels are its votes for eight emotions. Pictures that FER+
 * removes, or that most voters call unknown or not a face, are left out.
 *
 * @see Goodfellow et al., "Challenges in Representation Learning", 2013; Barsoum et al., 2016, for FER+
 */
export const fer2013: DatasetForm = {
  looks: 'fer2013.csv or icml_face_data.csv: emotion,pixels,Usage; with fer2013new.csv of FER+ beside it',
  async open(path) {
    const file = statSync(path).isDirectory()
      ? ['fer2013.csv', 'icml_face_data.csv'].map((name) => join(path, name)).find((each) => existsSync(each))
      : path;
    if (file === undefined || !statSync(file).isFile()) return null;
    let columns: Record<'emotion' | 'pixels' | 'usage', number> | undefined;
    const votesFile = join(dirname(file), 'fer2013new.csv');
    const votes = existsSync(votesFile) ? await readVoteRows(votesFile) : undefined;
    const entries: DatasetEntry[] = [];
    let rows = 0;
    for await (const line of fileLines(file)) {
      if (columns === undefined) {
        const header = line.text.split(',').map((name) => name.trim().toLowerCase());
        columns = {
          emotion: header.indexOf('emotion'),
          pixels: header.indexOf('pixels'),
          usage: header.indexOf('usage'),
        };
        if (columns.emotion < 0 || columns.pixels < 0) return null;
        continue;
      }
      if (line.text.trim() === '') continue;
      const place = `${file}, line ${line.line}`;
      const cells = line.text.split(',');
      const label = LABELS[Number(cells[columns.emotion]?.trim() || Number.NaN)];
      if (label === undefined) {
        throw new FerError(
          'DATA',
          `${place}: emotion must be a whole number from 0 to 7, got ${cells[columns.emotion]}`,
        );
      }
      const split = columns.usage < 0 ? 'train' : splitOf(cells[columns.usage], place);
      const { pixels } = columns;
      const read = () => readRow(file, line, pixels);
      const voted = votes?.[rows];
      rows++;
      if (voted !== null) entries.push({ path: `${file}#${line.line}`, split, label: voted ?? label, read });
    }
    if (columns === undefined) return null;
    if (votes === undefined) return { form: 'FER2013 (CSV)', entries };
    if (votes.length !== rows) {
      throw new FerError(
        'DATA',
        `${votesFile} has ${votes.length} rows, ${file} has ${rows}: they must be the same pictures`,
      );
    }
    const left = rows - entries.length;
    return {
      form: 'FER+ (votes on FER2013)',
      entries,
      notes: left > 0 ? [`left out: ${left} that FER+ removes`] : [],
    };
  },
};

/** The seven classes of FER2013, and contempt, which only the CSV of CK+ has. */
const LABELS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprised', 'neutral', 'contempt'];

/** The columns of FER+; the last two are not emotions. */
const VOTES = ['neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt', 'unknown', 'nf'];

/** The votes of each row, by emotion; null for a row that is left out. */
async function readVoteRows(file: string): Promise<(Record<string, number> | null)[]> {
  const rows: (Record<string, number> | null)[] = [];
  let header: string[] | undefined;
  for await (const { text, line } of fileLines(file)) {
    const cells = text.split(',').map((cell) => cell.trim());
    if (header === undefined) {
      header = cells.map((name) => name.toLowerCase());
      const missing = ['image name', ...VOTES].filter((name) => !header!.includes(name));
      if (missing.length > 0) throw new FerError('DATA', `${file} has no column ${missing.join(', ')}`);
      continue;
    }
    if (text.trim() === '') continue;
    const at = (name: string) => cells[header!.indexOf(name)];
    const counts = VOTES.map((name) => Number(at(name) || Number.NaN));
    if (!counts.every((count) => Number.isFinite(count) && count >= 0)) {
      throw new FerError('DATA', `${file}, line ${line}: votes must be numbers of at least 0, got ${counts.join(',')}`);
    }
    const most = Math.max(...counts.slice(0, 8));
    const out = at('image name') === '' || most === 0 || counts[8] > most || counts[9] > most;
    rows.push(out ? null : Object.fromEntries(VOTES.slice(0, 8).map((name, c) => [name, counts[c]])));
  }
  return rows;
}

function splitOf(usage: string | undefined, place: string): SplitName {
  const split = { training: 'train', publictest: 'validation', privatetest: 'test' }[
    String(usage).trim().toLowerCase()
  ];
  if (split !== undefined) return split as SplitName;
  throw new FerError('DATA', `${place}: Usage must be Training, PublicTest or PrivateTest, got ${usage}`);
}

async function readRow(file: string, { offset, length, line }: FileLine, column: number): Promise<PixelImage> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    const cell = buffer.toString('latin1').split(',')[column]?.replaceAll('"', '').trim() ?? '';
    const levels = cell.split(/\s+/).map((level) => (level === '' ? Number.NaN : Number(level)));
    const side = Math.sqrt(levels.length);
    if (!Number.isInteger(side) || !levels.every((level) => Number.isInteger(level) && level >= 0 && level <= 255)) {
      throw new FerError('DECODE', `${file}, line ${line}: pixels must form a square picture of levels from 0 to 255`);
    }
    return { data: Uint8ClampedArray.from(levels), width: side, height: side, channels: 1 };
  } finally {
    await handle.close();
  }
}
