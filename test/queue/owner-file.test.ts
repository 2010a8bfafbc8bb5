import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileOf, ownFile, readOwner } from '../../src/queue/owner-file.js';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return { ...real, link: vi.fn(real.link) };
});

// The time between two looks at a half-written file.
vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof import('node:timers/promises')>();
  return { ...real, setTimeout: vi.fn(() => real.setImmediate()) };
});

let folder: string;
let file: string;

const owner = () => JSON.parse(readFileSync(`${file}.owner`, 'utf8'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-owner-'));
  file = join(folder, 'results.jsonl');
});
afterEach(() => {
  vi.clearAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe('the owner of a results file', () => {
  test('is the first queue that asks; one line beside the file says so, and no other file is left', async () => {
    expect(await readOwner(file)).toBeNull();
    const first = await ownFile(file, 'faces', 'ledger');
    expect(first).toEqual({ id: expect.stringMatching(/^[\w-]{36}$/), queue: 'faces', ledger: 'ledger' });
    expect(readFileSync(`${file}.owner`, 'utf8')).toBe(`${JSON.stringify(first)}\n`);
    expect(readdirSync(folder)).toEqual(['results.jsonl.owner']);
    expect(await readOwner(file)).toEqual(first);
    expect(await ownFile(file, 'faces', 'ledger')).toEqual(first);
  });

  test('is a single queue, whichever asks first', async () => {
    const owners = await Promise.all(Array.from({ length: 8 }, () => ownFile(file, 'faces', 'ledger')));
    expect(new Set(owners.map(({ id }) => id))).toEqual(new Set([owner().id]));
    expect(readdirSync(folder)).toEqual(['results.jsonl.owner']);
  });

  test('does not change when another queue asks; the error says what to do', async () => {
    const first = await ownFile(file, 'faces', 'ledger');
    await expect(ownFile(file, 'other', 'ledger')).rejects.toMatchObject({
      code: 'OPTION',
      message: `${file} has results of the queue faces: use another file, or delete ${file}.owner if that queue is gone`,
    });
    expect(owner()).toEqual(first);
  });

  test('is the next ledger of the same queue, under another id', async () => {
    const first = await ownFile(file, 'faces', 'lost');
    const second = await ownFile(file, 'faces', 'new');
    expect(second).toEqual({ id: expect.not.stringMatching(first.id), queue: 'faces', ledger: 'new' });
    expect(owner()).toEqual(second);
  });

  test('is also found on a disk without hard links', async () => {
    vi.mocked(link).mockRejectedValueOnce(Object.assign(new Error('not permitted'), { code: 'EPERM' }));
    const first = await ownFile(file, 'faces', 'ledger');
    expect(owner()).toEqual(first);
    expect(readdirSync(folder)).toEqual(['results.jsonl.owner']);
  });

  test('whose file is half written is waited for', async () => {
    writeFileSync(`${file}.owner`, '{"id":"1",');
    vi.mocked(sleep).mockImplementationOnce(async () => {
      writeFileSync(`${file}.owner`, '{"id":"1","queue":"faces","ledger":"l","more":1}\n');
      return undefined as never;
    });
    expect(await readOwner(file)).toEqual({ id: '1', queue: 'faces', ledger: 'l' });
    expect(sleep).toHaveBeenLastCalledWith(50);
  });

  test.each(['', 'nonsense', '{}', '{"id":1,"queue":"faces","ledger":"l"}', '{"id":"1","queue":"faces"}', '[]'])(
    'cannot be read from %j: the file is damaged',
    async (content) => {
      writeFileSync(`${file}.owner`, content);
      await expect(readOwner(file)).rejects.toMatchObject({
        code: 'OPTION',
        message: `${file}.owner is damaged: delete it when no worker runs`,
      });
      expect(sleep).toHaveBeenCalledTimes(20);
    },
  );

  test('whose file is not a regular file is not waited for', async () => {
    mkdirSync(`${file}.owner`);
    await expect(readOwner(file)).rejects.toMatchObject({ message: expect.not.stringContaining('is damaged') });
    expect(sleep).not.toHaveBeenCalled();
  });

  test('cannot be written into a folder that is gone', async () => {
    await expect(readOwner(folder.slice(0, -6))).resolves.toBeNull();
    rmSync(folder, { recursive: true });
    await expect(ownFile(file, 'faces', 'ledger')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('tells a file by its id and its ledger, and a damaged one hides no other', async () => {
    writeFileSync(join(folder, 'aaa.owner'), 'nonsense');
    writeFileSync(join(folder, 'b.jsonl'), '{"item":"a","predictions":[]}\n');
    const other = await ownFile(join(folder, 'b.jsonl'), 'faces', 'ledger');
    const { id } = await ownFile(file, 'faces', 'ledger');
    expect(await fileOf(folder, id, 'ledger')).toBe(file);
    expect(await fileOf(folder, other.id, 'ledger')).toBe(join(folder, 'b.jsonl'));
    expect(await fileOf(folder, id, 'another')).toBeNull();
    expect(await fileOf(folder, 'unknown', 'ledger')).toBeNull();
  });
});
