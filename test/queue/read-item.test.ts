import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemOf, itemsOf, jobDataOf, jobId } from '../../src/queue/items.js';
import { isPrivateAddress } from '../../src/queue/private-address.js';
import { itemReader, type ReadItemOptions } from '../../src/queue/read-item.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-read-'));
const root = join(folder, 'faces');
const BYTES = 'the bytes of an image';

mkdirSync(join(root, 'deep'), { recursive: true });
mkdirSync(join(folder, 'faces2'));
for (const path of ['faces/a.jpg', 'faces/deep/b.jpg', 'faces2/c.jpg', 'secret.txt'])
  writeFileSync(join(folder, path), BYTES);
symlinkSync(join(folder, 'secret.txt'), join(root, 'out.jpg'));
symlinkSync(folder, join(root, 'up'));
symlinkSync(join(root, 'a.jpg'), join(root, 'in.jpg'));
symlinkSync(root, join(folder, 'link'));
const hasPipe = spawnSync('mkfifo', [join(root, 'pipe.jpg')]).status === 0;

let server: Server;
let host: string;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    if (request.url === '/face.jpg') response.end(BYTES);
    else if (request.url === '/moved.jpg') response.writeHead(302, { location: '/face.jpg' }).end();
    else if (request.url === '/busy.jpg') response.writeHead(503).end();
    else if (request.url === '/long.jpg') response.end(Buffer.alloc(5000));
    else if (request.url === '/endless.jpg') {
      const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1);
      response.on('close', () => clearInterval(timer));
    } else if (request.url === '/silent.jpg') response.write('a');
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `localhost:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function read(reference: string | Uint8Array, options: ReadItemOptions = { roots: [root] }): Promise<string> {
  return Buffer.from(await (await itemReader(options))(itemOf(reference))).toString();
}

const refused = expect.objectContaining({ code: 'REFUSED' });

describe('a worker reads', () => {
  test('files below its roots, by absolute and relative path, and links that stay there', async () => {
    for (const ref of [
      join(root, 'a.jpg'),
      'a.jpg',
      'deep/b.jpg',
      './deep/../a.jpg',
      'in.jpg',
      join(root, 'up/faces/a.jpg'),
    ]) {
      expect(await read(ref)).toBe(BYTES);
    }
    const link = { roots: [join(folder, 'link')] };
    expect(await read(join(folder, 'link/a.jpg'), link)).toBe(BYTES);
    expect(await read(join(root, 'a.jpg'), link)).toBe(BYTES);
    const several = { roots: [join(root, 'deep'), root] };
    expect(await read('b.jpg', several)).toBe(BYTES);
    expect(await read('a.jpg', several)).toBe(BYTES);
  });

  test.each([
    '../secret.txt',
    'deep/../../secret.txt',
    '/etc/passwd',
    join(folder, 'secret.txt'),
    join(root, '../secret.txt'),
    join(folder, 'faces2/c.jpg'),
    'out.jpg',
    'up/secret.txt',
    '../not-there.txt',
    '/not/there',
  ])('nothing outside: %s', async (ref) => {
    await expect(read(ref)).rejects.toEqual(refused);
  });

  test('no folder, no pipe, no file that is too large or missing', async () => {
    await expect(read('deep')).rejects.toMatchObject({ code: 'INPUT' });
    if (hasPipe) await expect(read('pipe.jpg')).rejects.toMatchObject({ code: 'INPUT' });
    await expect(read('gone.jpg')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(read('a.jpg', { roots: [root], maxBytes: 5 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(read('a.jpg', {})).rejects.toEqual(refused);
    await expect(itemReader({ roots: [join(folder, 'gone')] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('bytes that come with the job', async () => {
    expect(await read(Buffer.from(BYTES), {})).toBe(BYTES);
  });

  test('from allowed hosts only', async () => {
    expect(await read(`http://${host}/face.jpg`, { privateHosts: [host] })).toBe(BYTES);
    const before = asked.length;
    for (const options of [{}, { roots: [root] }, { hosts: ['example.com'] }, { privateHosts: ['localhost'] }]) {
      await expect(read(`http://${host}/face.jpg`, options)).rejects.toEqual(refused);
    }
    // A name that is allowed, and leads to a private address.
    await expect(read(`http://${host}/face.jpg`, { hosts: [host] })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(/private address (127\.0\.0\.1|::1)/),
    });
    expect(asked).toHaveLength(before);
  });

  test.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.1.2.3/',
    'http://0.0.0.0/',
  ])('no private address, even of a host that is named: %s', async (address) => {
    await expect(read(address, { hosts: [new URL(address).host] })).rejects.toEqual(refused);
  });

  test('no redirect and no endless answer; it distinguishes a missing server from a missing image', async () => {
    const options = { privateHosts: [host], maxBytes: 4000, fetchTimeout: 300 };
    const codeOf = (path: string) => read(`http://${host}/${path}`, options).catch((error) => error.code);
    expect(await codeOf('moved.jpg')).toBe('REFUSED');
    expect(await codeOf('long.jpg')).toBe('TOO_LARGE');
    expect(await codeOf('endless.jpg')).toBe('TOO_LARGE');
    expect(await codeOf('none.jpg')).toBe('NOT_FOUND');
    expect(await codeOf('busy.jpg')).toBe('UNREACHABLE');
    expect(await codeOf('silent.jpg')).toBe('UNREACHABLE');
    await expect(read('http://localhost:1/', { privateHosts: ['localhost:1'] })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });
});

describe('references', () => {
  test.each([
    ['file:///etc/passwd', 'REFUSED'],
    ['FILE:/etc/passwd', 'REFUSED'],
    ['s3://bucket/key', 'REFUSED'],
    ['data:image/png;base64,AAAA', 'REFUSED'],
    ['https://user:secret@example.com/a.jpg', 'REFUSED'],
    ['http://', 'INPUT'],
    ['', 'INPUT'],
    ['a\0.jpg', 'INPUT'],
    ['a'.repeat(5000), 'INPUT'],
    [new Uint8Array(300_000), 'TOO_LARGE'],
    [7 as unknown as string, 'INPUT'],
  ])('%s is %s', (reference, code) => {
    expect(() => itemOf(reference)).toThrow(expect.objectContaining({ code }));
  });

  test('a password is not repeated in the error', () => {
    expect(() => itemOf('https://user:secret@example.com/')).toThrow(
      expect.not.objectContaining({ message: /secret/ }),
    );
  });

  test.each(['a\nb.jpg', 'a\rb.jpg', 'holi\u2028day.jpg', 'holi\u2029day.jpg', '\ud800.jpg', ' \u0085\t.jpg'])(
    '%j is a name like any other, and comes back from a job as it was',
    (name) => {
      const item = itemOf(name);
      expect(item.ref).toBe(name);
      expect(itemsOf(JSON.parse(JSON.stringify(jobDataOf([item]))))).toEqual([item]);
    },
  );

  test('of a job that are invalid get an error, and do not affect the others', () => {
    const data = { version: 1, items: ['ftp://host/a.jpg', 'b.jpg', 'https://me:secret@host/c.jpg', 'd'.repeat(9999)] };
    const items = itemsOf(data);
    expect(items.map(({ error }) => error?.code)).toEqual(['REFUSED', undefined, 'REFUSED', 'INPUT']);
    expect(items.map(({ ref }) => ref)).toEqual([
      'ftp://host/a.jpg',
      'b.jpg',
      'https://...@host/c.jpg',
      `${'d'.repeat(200)}...`,
    ]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(4);
  });

  test('a job with a million is refused before any is processed', () => {
    const data = { version: 1, items: Array(1_100_000).fill('a.jpg') };
    const before = process.memoryUsage().heapUsed;
    expect(() => itemsOf(data)).toThrow(expect.objectContaining({ code: 'QUEUE' }));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6);
  });

  test('have the same id if and only if they are the same', () => {
    expect(itemOf('a.jpg').id).toBe(itemOf('a.jpg').id);
    expect(itemOf('a.jpg').id).not.toBe(itemOf('b.jpg').id);
    expect(itemOf(Buffer.from('a')).id).toBe(itemOf(new Uint8Array([97])).id);
    expect(itemOf('HTTPS://Example.com/a#b').ref).toBe('https://example.com/a');
    expect(itemOf('a.jpg').id).toMatch(/^[\w-]{22}$/);
  });

  test('go through a job unchanged', () => {
    const items = ['a.jpg', 'https://example.com/b.jpg', Buffer.from(BYTES)].map(itemOf);
    expect(itemsOf(JSON.parse(JSON.stringify(jobDataOf(items))))).toEqual(items);
    expect(jobId(items)).toBe(jobId([...items]));
    expect(jobId(items)).not.toBe(jobId(items.slice(1)));
  });

  test.each([
    null,
    {},
    { version: 2, items: [] },
    { version: 1 },
    { version: 1, items: [{}] },
    { version: 1, items: [1] },
  ])('a job of %j is refused', (data) => {
    expect(() => itemsOf(data)).toThrow(expect.objectContaining({ code: 'QUEUE' }));
  });
});

test.each([
  ...[
    '10.0.0.1',
    '100.64.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
  ],
  ...[
    '0.0.0.0',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '2002::1',
  ],
  ...['2001:db8::1', '2001::1'],
])('%s is private', (address) => expect(isPrivateAddress(address)).toBe(true));

test.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])('%s is public', (address) =>
  expect(isPrivateAddress(address)).toBe(false),
);
