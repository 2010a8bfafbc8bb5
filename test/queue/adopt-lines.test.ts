import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adoptLines } from '../../src/queue/adopt-lines.js';
import { itemId } from '../../src/queue/items.js';
import { QueueStop } from '../../src/queue/queue-stop.js';
import type { Ledger } from '../../src/queue/result-sink.js';

let folder: string;
let path: string;

const lineOf = (item: string) => `${JSON.stringify({ item, predictions: [] })}\n`;
const failedLineOf = (item: string) => `${JSON.stringify({ item, error: { code: 'DECODE', message: '' } })}\n`;

/** A ledger that has a file, and records what is reported about it. */
function ledgerOf(written: number | null, least = 0, onOpen = (_size: number) => {}) {
  const adopted: [string, number, string[]][] = [];
  const sizes: number[] = [];
  const ledger: Partial<Ledger> = {
    async openFile(_file, size) {
      sizes.push(size);
      onOpen(size);
      return { written, run: 'run', seconds: 7, least };
    },
    async adopt(id, size, lines) {
      adopted.push([id, size, lines.map((line) => `${line.failed ? '!' : ''}${line.id}`)]);
    },
  };
  return { ledger: ledger as Ledger, adopted, sizes };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-adopt-'));
  path = join(folder, 'results.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('lines of a results file', () => {
  test('that the ledger does not know are reported to it, with their outcomes; half a line is not', async () => {
    const whole = lineOf('a') + failedLineOf('b') + lineOf('c é');
    writeFileSync(path, `${whole}{"item":"d"`);
    const { ledger, adopted } = ledgerOf(lineOf('a').length);
    const found = await adoptLines(path, 'id', ledger);
    expect(found).toEqual({ run: 'run', seconds: 7, size: Buffer.byteLength(whole) + 11 });
    expect(adopted).toEqual([['id', Buffer.byteLength(whole), [`!${itemId('b')}`, itemId('c é')]]]);
  });

  test('of a file that the ledger does not know are reported from the first line on', async () => {
    writeFileSync(path, lineOf('a'));
    const { ledger, adopted } = ledgerOf(null);
    await adoptLines(path, 'id', ledger);
    expect(adopted).toEqual([
      ['id', lineOf('a').length, [itemId('a')]],
      ['id', lineOf('a').length, []],
    ]);
  });

  test('that the ledger knows are not recorded again', async () => {
    writeFileSync(path, lineOf('a'));
    const { ledger, adopted } = ledgerOf(lineOf('a').length);
    await adoptLines(path, 'id', ledger);
    expect(adopted).toEqual([]);
  });

  test('that are not results are skipped', async () => {
    writeFileSync(path, `nonsense\n{"item":1}\n[]\nnull\n\n${lineOf('a')}`);
    const { ledger, adopted } = ledgerOf(0);
    await adoptLines(path, 'id', ledger);
    expect(adopted.flatMap(([, , ids]) => ids)).toEqual([itemId('a')]);
  });

  test('of several megabytes are reported in parts, each line once, also a line longer than a part', async () => {
    const items = [...Array.from({ length: 9 }, (_, i) => `${i}`.repeat(200_000)), 'z'.repeat(3_000_000), 'last'];
    writeFileSync(path, items.map(lineOf).join(''));
    const { ledger, adopted } = ledgerOf(0);
    await adoptLines(path, 'id', ledger);
    expect(adopted.length).toBeGreaterThan(2);
    expect(adopted.flatMap(([, , ids]) => ids)).toEqual(items.map(itemId));
    expect(adopted.at(-1)![1]).toBe(items.map(lineOf).join('').length);
  });

  test('places without a line become spaces, and the bytes around them stay', async () => {
    const hole = '\0'.repeat(30);
    writeFileSync(path, `${lineOf('a')}${hole}${lineOf('b')}${hole}${lineOf('c')}${hole}`);
    const { ledger, adopted } = ledgerOf(0);
    await adoptLines(path, 'id', ledger);
    expect(adopted[0][2]).toEqual(['a', 'b', 'c'].map(itemId));
    const spaces = ' '.repeat(30);
    // The next result goes into the last one.
    expect(readFileSync(path, 'utf8')).toBe(`${lineOf('a')}${spaces}${lineOf('b')}${spaces}${lineOf('c')}${hole}`);
  });

  test('from a given place on are reported, and no place is filled: another worker may own it', async () => {
    const content = `${lineOf('a')}${lineOf('b')}\0\0\0${lineOf('c')}`;
    writeFileSync(path, content);
    const { ledger, adopted } = ledgerOf(content.length);
    await adoptLines(path, 'id', ledger, lineOf('a').length);
    expect(adopted).toEqual([['id', content.length, ['b', 'c'].map(itemId)]]);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  test('that another worker writes meanwhile do not make the file too short', async () => {
    writeFileSync(path, lineOf('a'));
    const { length } = lineOf('a');
    const { ledger, sizes } = ledgerOf(2 * length, 2 * length, (size) => {
      if (size === length) appendFileSync(path, lineOf('b'));
    });
    expect(await adoptLines(path, 'id', ledger)).toMatchObject({ size: 2 * length });
    expect(sizes).toEqual([length, 2 * length]);
  });

  test('that are missing make it too short, which stops the worker', async () => {
    writeFileSync(path, lineOf('a'));
    const { ledger, sizes } = ledgerOf(500, 400);
    const error = await adoptLines(path, 'id', ledger).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(QueueStop);
    expect(error.message).toBe(
      `the results file ${path} has ${lineOf('a').length} bytes, 400 were written into it: restore it, or start another queue`,
    );
    expect(sizes).toHaveLength(1);
  });

  test('cannot be read from a file that is not there; an error of the ledger is passed on', async () => {
    await expect(adoptLines(path, 'id', ledgerOf(0).ledger)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(`${path} cannot be read: ENOENT`),
    });
    writeFileSync(path, '');
    const lost = new QueueStop('gone');
    const failing = ledgerOf(0, 0, () => {
      throw lost;
    });
    await expect(adoptLines(path, 'id', failing.ledger)).rejects.toBe(lost);
  });
});
