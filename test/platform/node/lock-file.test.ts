import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lockFile } from '../../../src/platform/node/lock-file.js';
import { nightTest } from '../../night.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-lock-'));
  path = join(folder, 'training.lock');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** A lock as another process wrote it, `seconds` ago by the clock of the disk. */
function leave(owner: object | string, seconds = 0): void {
  writeFileSync(path, typeof owner === 'string' ? owner : JSON.stringify(owner));
  const then = statSync(path).mtimeMs / 1000 - seconds;
  utimesSync(path, then, then);
}

const refused = { name: 'FerError', code: 'CHECKPOINT' };
const elsewhere = { pid: 7, host: 'another-machine', id: 'x' };

describe('a lock', () => {
  test('is held by one caller at a time, and leaves nothing', async () => {
    const unlock = await lockFile(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    await expect(lockFile(path)).rejects.toMatchObject({
      ...refused,
      message: `process ${process.pid} on ${hostname()} trains into this folder: wait for it, or, if it is gone, delete ${path}`,
    });
    expect(readdirSync(folder)).toEqual(['training.lock']);
    await unlock();
    expect(readdirSync(folder)).toEqual([]);
    await (await lockFile(path))();
  });

  test('that many ask for at once is given to one', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => lockFile(path)));
    const given = asked.filter(({ status }) => status === 'fulfilled');
    expect(given).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['training.lock']);
    await (given[0] as PromiseFulfilledResult<() => Promise<void>>).value();
  });

  test('of a process of this machine that is gone is taken over, by one of many, however late some are', async () => {
    for (let round = 0; round < 30; round++) {
      // Above what Linux and macOS number processes with.
      leave({ pid: 2 ** 30, host: hostname(), id: 'x' });
      const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockFile(path)));
      const given = asked.filter(({ status }) => status === 'fulfilled');
      expect(given).toHaveLength(1);
      for (const { reason } of asked as PromiseRejectedResult[]) if (reason) expect(reason).toMatchObject(refused);
      await (given[0] as PromiseFulfilledResult<() => Promise<void>>).value();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  nightTest('of a process that is gone is taken over by one of many processes', { timeout: 60_000 }, async () => {
    leave({ pid: 2 ** 30, host: hostname(), id: 'x' });
    const program = `
      import { lockFile } from './src/platform/node/lock-file.ts';
      const said = process.stdin[Symbol.asyncIterator]();
      console.log('ready');
      await said.next();
      const unlock = await lockFile(process.argv[1]).catch((error) => console.log(error.code));
      if (unlock) console.log('locked');
      await said.next();
      await unlock?.();`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program, path];
    const processes = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return { child, line: async () => (await lines.next()).value };
    });
    const nextLines = () => Promise.all(processes.map(({ line }) => line()));
    expect(await nextLines()).toEqual(Array(6).fill('ready'));
    for (const { child } of processes) child.stdin.write('go\n');
    expect((await nextLines()).sort()).toEqual([...Array(5).fill('CHECKPOINT'), 'locked']);
    const ended = Promise.all(processes.map(({ child }) => once(child, 'exit')));
    for (const { child } of processes) child.stdin.end();
    expect(await ended).toEqual(Array(6).fill([0, null]));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is taken over although the one who was taking it over was killed, too', async () => {
    leave({ pid: 2 ** 30, host: hostname(), id: 'x' });
    writeFileSync(`${path}.stale.tmp`, JSON.stringify({ pid: 2 ** 30, host: hostname(), id: 'y' }));
    await (await lockFile(path))();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of a process with the number of this one, from before it started, is taken over', async () => {
    leave({ pid: process.pid, host: hostname(), id: 'x' });
    await (await lockFile(path))();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.each([
  ['as it is', 0],
  ['a day ahead', 864e5],
  ['a day behind', -864e5],
])("with this machine's clock %s, a lock of another machine", (_, off) => {
  beforeEach(() => {
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + off);
  });

  test.each([
    ['that says whose it is', elsewhere, /^process 7 on another-machine trains/],
    ['that is empty', '', /^another process trains/],
    ['of null', 'null', /^another process trains/],
    ['of an owner without a number', { ...elsewhere, pid: '7' }, /^another process trains/],
  ])('%s counts for a minute after it was last written to', async (_, owner, message) => {
    leave(owner, 50);
    await expect(lockFile(path)).rejects.toMatchObject({ ...refused, message: expect.stringMatching(message) });
    leave(owner, 61);
    const unlock = await lockFile(path);
    expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
    await unlock();
  });
});

test('a lock is written to every ten seconds, as long as it is this one', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const unlock = await lockFile(path);
  const text = readFileSync(path, 'utf8');
  const age = async () => {
    utimesSync(path, 1, 1);
    vi.advanceTimersByTime(10_000);
    await expect.poll(() => statSync(path).mtimeMs).toBeGreaterThan(1e9);
  };
  await age();
  await age();
  expect(readFileSync(path, 'utf8')).toBe(text);

  // Somebody has deleted it, as the message advises, and another has taken it.
  rmSync(path);
  leave(elsewhere);
  vi.advanceTimersByTime(20_000);
  await unlock();
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(elsewhere);
});
