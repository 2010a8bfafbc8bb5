import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Placed } from '../../src/queue/ledger.js';
import { QueueStop } from '../../src/queue/queue-stop.js';
import { ForeignBytes, holdsResults, ResultFile } from '../../src/queue/result-file.js';

let folder: string;
let path: string;
let file: ResultFile;

const lineOf = (item: string) => `${JSON.stringify({ item, predictions: [] })}\n`;

/** Lines one after another, from a place on. */
function placed(offset: number, ...items: string[]): Placed[] {
  let at = offset;
  return items.map((item) => {
    const line = lineOf(item);
    const one = { id: item, file: 'id', offset: at, line };
    at += Buffer.byteLength(line);
    return one;
  });
}

const written = () => readFileSync(path, 'utf8');
const LENGTH = lineOf('a').length;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-file-'));
  path = join(folder, 'results.jsonl');
  writeFileSync(path, '');
  writeFileSync(`${path}.owner`, '{"id":"id","queue":"faces","ledger":"ledger"}');
  file = new ResultFile(path, 'id');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const unreachable = (reason: string) => ({
  code: 'UNREACHABLE',
  message: expect.stringContaining(`${path} cannot be written: ${reason}`),
});

describe('a results file', () => {
  test('has each line in its place, whatever the order and however often they come', async () => {
    const [a, b, c, d] = placed(0, 'a', 'b é', 'c', 'd');
    expect(await file.write([d, b])).toBe(true);
    expect(written().replace(/\0/g, '')).toBe(b.line + d.line);
    expect(await file.write([c, a, c])).toBe(true);
    expect(await file.write([b, a])).toBe(true);
    expect(written()).toBe(a.line + b.line + c.line + d.line);
  });

  test('gets nothing when the places no longer belong to the lines; this is checked after reading them', async () => {
    expect(await file.write(placed(0, 'a'), async () => false)).toBe(false);
    expect(written()).toBe('');
    const asked = vi.fn(async () => true);
    expect(await file.write(placed(0, 'a'), asked)).toBe(true);
    expect(asked).toHaveBeenCalledTimes(1);
    await expect(file.write(placed(0, 'z'), asked)).rejects.toBeInstanceOf(ForeignBytes);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('accepts lines over spaces, NUL bytes and half a line at its end', async () => {
    writeFileSync(path, `${' '.repeat(LENGTH)}${'\0'.repeat(LENGTH)}{"item":"c","p`);
    await file.write(placed(0, 'a', 'b', 'c'));
    expect(written()).toBe(lineOf('a') + lineOf('b') + lineOf('c'));
  });

  test('accepts another line in place of half a line at its end', async () => {
    writeFileSync(path, `${lineOf('a')}{"item":"other than this`);
    await file.write(placed(LENGTH, 'b'.repeat(30)));
    expect(written()).toBe(lineOf('a') + lineOf('b'.repeat(30)));
    // One that begins before it is none.
    writeFileSync(path, `${lineOf('a').slice(0, -1)} {"item":"other`);
    await expect(new ResultFile(path, 'id').write(placed(LENGTH + 1, 'b'))).rejects.toBeInstanceOf(ForeignBytes);
  });

  test('that has other bytes in a place is not overwritten, neither there nor at other places of the same write', async () => {
    const foreign = lineOf('z') + lineOf('y');
    writeFileSync(path, foreign);
    const error = await file.write(placed(LENGTH, 'b', 'c')).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ForeignBytes);
    expect(error).toMatchObject({ code: 'QUEUE', file, offset: LENGTH, end: 3 * LENGTH });
    expect(error.message).toContain(`${path} has other bytes than this queue's at the place of a result, ${LENGTH}`);
    await expect(file.write([...placed(0, 'z'), ...placed(5 * LENGTH, 'e'), ...placed(LENGTH, 'b')])).rejects.toThrow(
      'has other bytes',
    );
    expect(written()).toBe(foreign);
    // A line of which only the end is another.
    writeFileSync(path, `${lineOf('a').slice(0, -2)}?\n`);
    await expect(new ResultFile(path, 'id').write(placed(0, 'a'))).rejects.toBeInstanceOf(ForeignBytes);
  });

  test('has no place far past its end', async () => {
    await expect(file.write(placed(2 ** 30 + 1, 'a'))).rejects.toThrow('names a place far past');
    const cause = { cause: expect.any(Error) };
    await expect(new ResultFile(folder, 'id').write(placed(0, 'a'))).rejects.toMatchObject(cause);
    await expect(file.write(placed(2 ** 40, 'a'))).rejects.toBeInstanceOf(QueueStop);
    expect(written()).toBe('');
  });

  test('without its owner file, or with that of another ledger, is not written', async () => {
    const owner = `${path}.owner`;
    rmSync(owner);
    await expect(file.write(placed(0, 'a'))).rejects.toMatchObject(unreachable(`${owner} is missing: restore it`));
    writeFileSync(owner, '{"id":"new","queue":"faces","ledger":"new"}');
    const error = await file.write(placed(0, 'a')).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(QueueStop);
    expect(error.message).toBe(`${path} was taken over by another ledger of the queue faces`);
    expect(written()).toBe('');
  });

  test('is not created, and no link is followed', async () => {
    rmSync(path);
    await expect(file.write(placed(0, 'a'))).rejects.toMatchObject(unreachable('ENOENT'));
    const victim = join(folder, 'victim');
    writeFileSync(victim, '');
    symlinkSync(victim, path);
    await expect(file.write(placed(0, 'a'))).rejects.toMatchObject(unreachable('ELOOP'));
    expect(readFileSync(victim, 'utf8')).toBe('');
  });

  test('that was cut is waited for', async () => {
    await file.write(placed(0, 'a', 'b'));
    truncateSync(path, LENGTH);
    await expect(file.write(placed(2 * LENGTH, 'c'))).rejects.toMatchObject(
      unreachable(`it has ${LENGTH} bytes, ${2 * LENGTH} were written: restore it`),
    );
    appendFileSync(path, lineOf('b'));
    expect(await file.write(placed(2 * LENGTH, 'c'))).toBe(true);
  });

  test('replaced by a copy without its last lines gets them back, with the next write or check', async () => {
    await file.write(placed(0, 'a'));
    copyFileSync(path, `${path}.copy`);
    await file.write(placed(LENGTH, 'b'));
    renameSync(`${path}.copy`, path);
    await file.verify();
    expect(written()).toBe(lineOf('a') + lineOf('b'));
    writeFileSync(`${path}.copy`, '{"it');
    renameSync(`${path}.copy`, path);
    await file.write(placed(2 * LENGTH, 'c'));
    expect(written()).toBe(lineOf('a') + lineOf('b') + lineOf('c'));
    // The same file is not written again.
    const asked = vi.fn(async () => true);
    await file.verify();
    expect(asked).not.toHaveBeenCalled();
  });

  test('replaced by another file is not changed', async () => {
    await file.write(placed(0, 'a'));
    for (const content of ['', 'x'.repeat(LENGTH)]) {
      writeFileSync(`${path}.copy`, content);
      renameSync(`${path}.copy`, path);
      await expect(file.verify()).rejects.toMatchObject(unreachable('it'));
      expect(written()).toBe(content);
    }
  });

  test('that is replaced while it is written is written again, five times at most', async () => {
    const replace = () => {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
      return true;
    };
    await file.write(placed(0, 'a'));
    const once = vi.fn(async () => once.mock.calls.length > 1 || replace());
    expect(await file.write(placed(LENGTH, 'b'), once)).toBe(true);
    expect(once).toHaveBeenCalledTimes(2);
    expect(written()).toBe(lineOf('a') + lineOf('b'));
    const always = vi.fn(async () => replace());
    await expect(file.write(placed(2 * LENGTH, 'c'), always)).rejects.toMatchObject(
      unreachable('it is replaced again and again'),
    );
    expect(always).toHaveBeenCalledTimes(5);
    expect(await file.write(placed(2 * LENGTH, 'c'))).toBe(true);
    expect(written()).toBe(lineOf('a') + lineOf('b') + lineOf('c'));
  });

  test('gets the lines of another write that ends while it is replaced', async () => {
    await file.write(placed(0, 'a'));
    copyFileSync(path, `${path}.copy`);
    const asked = vi.fn(async () => {
      if (asked.mock.calls.length > 1) return true;
      await file.write(placed(LENGTH, 'b'));
      renameSync(`${path}.copy`, path);
      return true;
    });
    expect(await file.write(placed(2 * LENGTH, 'c'), asked)).toBe(true);
    expect(written()).toBe(lineOf('a') + lineOf('b') + lineOf('c'));
  });

  test('does not hold lines older than a minute: another program may have changed them', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    await file.write(placed(0, 'a'));
    now.mockReturnValue(60_000);
    await file.write(placed(LENGTH, 'b'));
    writeFileSync(`${path}.copy`, lineOf('z'));
    renameSync(`${path}.copy`, path);
    await file.verify();
    expect(written()).toBe(lineOf('z') + lineOf('b'));
  });

  test('is not checked before the first write, nor while it is missing', async () => {
    await expect(file.verify()).resolves.toBeUndefined();
    await file.write(placed(0, 'a'));
    rmSync(path);
    await expect(file.verify()).resolves.toBeUndefined();
  });

  test('keeps the lines of the last minute, up to 16 MB; a copy must have those before', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    await file.write(placed(0, 'a'));
    now.mockReturnValue(59_000);
    await file.write(placed(LENGTH, 'b'));
    now.mockReturnValue(61_000);
    await file.write(placed(2 * LENGTH, 'c'));
    const replace = (content: string) => {
      writeFileSync(`${path}.copy`, content);
      renameSync(`${path}.copy`, path);
    };
    replace('{"it');
    await expect(file.verify()).rejects.toMatchObject(unreachable(`it has 4 bytes, ${LENGTH} were written`));
    replace(lineOf('a'));
    await file.verify();
    expect(written()).toBe(lineOf('a') + lineOf('b') + lineOf('c'));

    const large = 'd'.repeat(9 * 2 ** 20);
    await file.write(placed(3 * LENGTH, large));
    await file.write(placed(3 * LENGTH + lineOf(large).length, large));
    replace(lineOf('a') + lineOf('b') + lineOf('c'));
    await expect(file.verify()).rejects.toMatchObject(unreachable(`it has ${3 * LENGTH} bytes`));
  });

  test('a place that was given up is filled with spaces where it is blank, up to its end', async () => {
    writeFileSync(path, `${lineOf('a')}\0\0\0xy\0\0`);
    expect(await file.fill(LENGTH + 1, LENGTH + 20)).toBe(false);
    expect(written()).toBe(`${lineOf('a')}\0  xy  `);
    expect(await file.fill(LENGTH, LENGTH + 7)).toBe(true);
    expect(written()).toBe(`${lineOf('a')}   xy  `);
    expect(await file.fill(1000, 2000)).toBe(false);
    rmSync(path);
    await expect(file.fill(0, 1)).rejects.toMatchObject(unreachable('ENOENT'));
  });

  test.each([
    ['', true],
    ['{"it', true],
    ['{"item":"a"', true],
    ['\0\0\0\0\0\0\0\0\0\0', true],
    ['{"itex":1}', false],
    ['[', false],
    ['x{"item":', false],
  ])('that begins with %j: %s', async (content, holds) => {
    writeFileSync(path, content);
    const handle = await open(path);
    expect(await holdsResults(handle)).toBe(holds);
    await handle.close();
  });
});
