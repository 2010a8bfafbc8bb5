import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaceRun } from '../../src/studio/face-runs.js';
import { type Studio, type StudioOptions, serveStudio } from '../../src/studio/serve-studio.js';

const TOKEN = '0123456789abcdef';
const PNG = Buffer.from('89504e470d0a1a0a00', 'hex');

let folder: string;
let studio: Studio;
let train: StudioOptions['train'];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-studio-'));
  const files = {
    'dist/studio/pictures/index.html': '<title>pictures</title>',
    'dist/standalone/lite.js': '',
    'dist/faces/blazeface.bin': '',
    'dist/wasm/network-simd.wasm': 'wasm',
    'weights/weights.bin': 'weights',
    'package.json': 'not for pages',
    'dist/node/cli.js': 'not for pages',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  train = async () => ({ after: 1 });
  studio = await serveStudio({
    root: pathToFileURL(`${folder}/`),
    out: join(folder, 'runs'),
    token: TOKEN,
    train: (run, context) => train(run, context),
  });
});

afterEach(async () => {
  await studio.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Paths go out as they are: `fetch` would tidy them. */
function ask(path: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Answer> {
  const { body, ...settings } = options;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: studio.port, path, agent: false, ...settings }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const withToken = { headers: { authorization: `Bearer ${TOKEN}` } };

async function newRun(classes: unknown = ['happy', 'bored']): Promise<{ id: string; folder: string }> {
  const { status, text } = await ask('/api/runs', { method: 'POST', ...withToken, body: JSON.stringify({ classes }) });
  expect(status, text).toBe(201);
  return JSON.parse(text);
}

const put = (path: string, body: Buffer = PNG) => ask(path, { method: 'PUT', ...withToken, body });

describe('files', () => {
  test('the pages and what of the package they need are there, with a policy that lets nothing out', async () => {
    const page = await ask('/pictures/');
    expect(page).toMatchObject({ status: 200, text: '<title>pictures</title>' });
    expect(page.headers['content-security-policy']).toContain("connect-src 'self'");
    expect(page.headers).not.toHaveProperty('access-control-allow-origin');
    expect(await ask('/package/dist/wasm/network-simd.wasm')).toMatchObject({
      text: 'wasm',
      headers: { 'content-type': 'application/wasm' },
    });
    expect((await ask('/package/weights/weights.bin')).text).toBe('weights');
    expect((await ask('/')).headers.location).toBe('/pictures/');
  });

  test.each([
    '/package/package.json',
    '/package/dist/node/cli.js',
    '/package/dist/wasm/../../package.json',
    '/package/dist/wasm/..%2f..%2fpackage.json',
    '/../../package.json',
    '/%2e%2e/%2e%2e/package.json',
    '/pictures/..\\..\\..\\package.json',
    '/pictures/%00',
    '/%',
    '//etc/passwd',
  ])('%s leads nowhere', async (path) => {
    const { status, text } = await ask(path);
    expect(status).toBe(404);
    expect(text).not.toContain('not for pages');
  });

  test('listens on 127.0.0.1 alone', async () => {
    const refused = new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.2', port: studio.port });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!));
      socket.on('connect', () => reject(new Error('somebody listens on all addresses')));
    });
    expect(await refused).toBe('ECONNREFUSED');
  });
});

describe('callers', () => {
  test.each(['evil.example', '127.0.0.1', '127.0.0.1:1', 'localhost.evil.example'])(
    'one that asks for the host %j is refused, for pages as for the rest',
    async (host) => {
      for (const path of ['/pictures/', '/api/studio']) {
        const { status, text } = await ask(path, { headers: { ...withToken.headers, host } });
        expect(status).toBe(403);
        expect(JSON.parse(text).code).toBe('REFUSED');
      }
    },
  );

  test('localhost is this machine too', async () => {
    expect((await ask('/pictures/', { headers: { host: `localhost:${studio.port}` } })).status).toBe(200);
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer 0123456789abcdee' }],
    ['a longer token', { authorization: `Bearer ${TOKEN}0` }],
    ['the token, but another origin', { ...withToken.headers, origin: 'http://evil.example' }],
    ['the token, but no origin at all', { ...withToken.headers, origin: 'null' }],
  ])('with %s, nothing is written', async (_, headers) => {
    const body = JSON.stringify({ classes: ['a', 'b'] });
    const { status, text } = await ask('/api/runs', { method: 'POST', headers, body });
    expect(status).toBe(403);
    expect(JSON.parse(text).code).toBe('REFUSED');
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  test('a preflight of another site is given no leave', async () => {
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'PUT' };
    const { status, headers: answered } = await ask('/api/runs', { method: 'OPTIONS', headers });
    expect(status).toBe(403);
    expect(Object.keys(answered).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('faces', () => {
  test('are written into a folder a class, as train takes them', async () => {
    const { id, folder: run } = await newRun();
    expect((await put(`/api/runs/${id}/faces/0/a-1`)).status).toBe(204);
    expect((await put(`/api/runs/${id}/faces/1/b-1`)).status).toBe(204);
    expect(readdirSync(join(run, 'faces')).sort()).toEqual(['bored', 'happy']);
    expect(readFileSync(join(run, 'faces/bored/b-1.png'))).toEqual(PNG);
  });

  test.each([
    ['one class', ['happy']],
    ['a path', ['happy', '../up']],
    ['a hidden folder', ['happy', '.git']],
    ['a device of Windows', ['happy', 'NUL']],
    ['a name twice', ['happy', 'Happy']],
    ['no text', ['happy', 5]],
    ['no list', 'happy'],
    ['nothing', undefined],
  ])('%s is not a list of classes', async (_, classes) => {
    const body = JSON.stringify({ classes });
    const { status, text } = await ask('/api/runs', { method: 'POST', ...withToken, body });
    expect(status).toBe(400);
    expect(JSON.parse(text).code).toBe('CLASSES');
  });

  test('other bodies than JSON, names, classes, runs and pictures are refused, and nothing is written', async () => {
    const { id, folder: run } = await newRun();
    expect((await ask('/api/runs', { method: 'POST', ...withToken, body: '{' })).status).toBe(400);
    expect((await put(`/api/runs/${id}/faces/0/..%2f..%2fx`)).status).toBe(404);
    expect((await put(`/api/runs/${id}/faces/2/a`)).status).toBe(400);
    expect((await put(`/api/runs/${'0'.repeat(32)}/faces/0/a`)).status).toBe(404);
    expect((await put(`/api/runs/${id}/faces/0/a`, Buffer.from('<html>'))).status).toBe(400);
    expect((await put(`/api/runs/${id}/faces/0/a`, Buffer.alloc(2 ** 20 + 1))).status).toBe(413);
    expect(readdirSync(run)).toEqual([]);
  });

  test('an interrupted upload leaves nothing, and the server continues', async () => {
    const { id, folder: run } = await newRun();
    await new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: studio.port }, () => {
        socket.write(
          `PUT /api/runs/${id}/faces/0/half HTTP/1.1\r\nHost: 127.0.0.1:${studio.port}\r\n` +
            `Authorization: Bearer ${TOKEN}\r\nContent-Length: 100000\r\n\r\n`,
        );
        socket.write(PNG, () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    expect((await put(`/api/runs/${id}/faces/0/whole`)).status).toBe(204);
    expect(readdirSync(join(run, 'faces/happy'))).toEqual(['whole.png']);
  });

  test('a folder that cannot be created gives an error', async () => {
    writeFileSync(join(folder, 'runs'), 'a file');
    const body = JSON.stringify({ classes: ['a', 'b'] });
    const { status, text } = await ask('/api/runs', { method: 'POST', ...withToken, body });
    expect(status).toBe(500);
    expect(JSON.parse(text).code).toBe('NOT_WRITTEN');
  });
});

describe('a training', () => {
  test('reports its progress line by line, and then the result', async () => {
    let given: FaceRun | undefined;
    train = async (run, { onProgress }) => {
      given = run;
      onProgress({ epoch: 1, epochs: 2, accuracy: 0.5 });
      onProgress({ epoch: 2, epochs: 2, accuracy: 0.75, valAccuracy: 0.5 });
      return { after: 0.5 };
    };
    const { id, folder: run } = await newRun();
    const { text } = await ask(`/api/runs/${id}/train`, { method: 'POST', ...withToken });
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { epoch: 1, epochs: 2, accuracy: 0.5 },
      { epoch: 2, epochs: 2, accuracy: 0.75, valAccuracy: 0.5 },
      { done: { after: 0.5 } },
    ]);
    expect(given).toMatchObject({ folder: run, classes: ['happy', 'bored'] });
  });

  test('that fails is reported with its code', async () => {
    train = async () => {
      throw new Error('no faces\n');
    };
    const { id } = await newRun();
    const { text } = await ask(`/api/runs/${id}/train`, { method: 'POST', ...withToken });
    expect(JSON.parse(text)).toEqual({ failed: { code: 'UNKNOWN', message: 'no faces\n' } });
  });

  test('is stopped by the page that leaves, and by the end of the server; meanwhile there is no second one', async () => {
    const aborted: string[] = [];
    let begun = () => {};
    train = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.push('stopped');
          reject(signal.reason);
        });
        begun();
      });
    const { id } = await newRun();
    const start = () => {
      const atWork = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const settings = { host: '127.0.0.1', port: studio.port, path: `/api/runs/${id}/train`, method: 'POST' };
      const page = request({ ...settings, ...withToken, agent: false });
      page.on('error', () => {});
      page.end();
      return { page, atWork };
    };

    const first = start();
    await first.atWork;
    const second = await ask(`/api/runs/${id}/train`, { method: 'POST', ...withToken });
    expect(JSON.parse(second.text)).toMatchObject({ code: 'OPTION', message: expect.stringContaining('already') });
    first.page.destroy();
    await expect.poll(() => aborted).toEqual(['stopped']);

    const third = start();
    await third.atWork;
    await studio.close();
    expect(aborted).toEqual(['stopped', 'stopped']);
  });

  test('its report and model are served to anyone who knows the run', async () => {
    const { id, folder: run } = await newRun();
    expect((await ask(`/runs/${id}/report.html`)).status).toBe(404);
    writeFileSync(join(run, 'report.html'), '<title>report</title>');
    expect(await ask(`/runs/${id}/report.html`)).toMatchObject({ status: 200, text: '<title>report</title>' });
    for (const path of [`/runs/${'a'.repeat(32)}/report.html`, `/runs/${id}/settings.json`, `/runs/${id}/../x`]) {
      expect((await ask(path)).status, path).toBe(404);
    }
  });
});

test('a port in use is an OPTION error', async () => {
  const second = serveStudio({
    root: pathToFileURL(`${folder}/`),
    out: folder,
    token: TOKEN,
    port: studio.port,
    train,
  });
  await expect(second).rejects.toMatchObject({
    code: 'OPTION',
    message: `port ${studio.port} cannot be used: another program uses it`,
  });
});
