import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { failureOf, sendError, sendJson } from './answer.js';
import { checkHost, checkToken } from './check-caller.js';
import { type FaceRun, faceRuns } from './face-runs.js';
import { HEADERS, pageFiles } from './page-files.js';
import { readBody } from './read-body.js';

/** Progress messages of a training: lines of JSON to the page. */
export type TrainingProgress = { epoch: number; epochs: number; accuracy: number; valAccuracy?: number };

export interface StudioOptions {
  /** The folder of the package; the pages are in its `dist/studio`. */
  root: URL;
  /** The folder for runs. */
  out: string;
  /** The secret token, known only to this server's page. */
  token: string;
  /**
   * 0 chooses a free port.
   * @default 0
   */
  port?: number;
  /** Trains on the faces of a run, and writes model and report into its folder; the result is sent to the page. */
  train(
    run: FaceRun,
    context: { signal: AbortSignal; onProgress(progress: TrainingProgress): void },
  ): Promise<Readonly<Record<string, unknown>>>;
}

export interface Studio {
  port: number;
  /** Stops a running training, and ends all connections. */
  close(): Promise<void>;
}

/**
 * Serves the pages on 127.0.0.1 only. Files need no token; requests that write or train do.
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /api/studio` | `{ out }`: where runs are written |
 * | `POST /api/runs` of `{ classes }` | `{ id, folder }` of a new run |
 * | `PUT /api/runs/<id>/faces/<class index>/<name>` of a PNG | 204 |
 * | `POST /api/runs/<id>/train` | lines of JSON: progress, then `{ done }` or `{ failed }`; closing the page stops it |
 * | `GET /runs/<id>/report.html`, `model.json`, `weights.bin` | what the training wrote |
 *
 * @throws FerError `OPTION` for a port that is in use or not allowed for this user; `NOT_FOUND` for a
 * package without its files.
 */
export async function serveStudio(options: StudioOptions): Promise<Studio> {
  const { token, out, train, port = 0 } = options;
  const files = pageFiles(options.root);
  const runs = faceRuns(out);
  const stopping = new AbortController();
  let training = false;

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    answer(request, response).catch((error: unknown) => sendError(request, response, error));
  });
  server.maxConnections = 64;
  const address = await listen(server, port);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkHost(request, address.port);
    const { method = 'GET', url = '/' } = request;
    const path = url.split('?', 1)[0];
    if (path.startsWith('/api/')) {
      checkToken(request, token);
      await api(request, response, `${method} ${path}`);
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') throw new FerError('NOT_FOUND', `${method} is not supported for pages`);
    const made = /^\/runs\/([0-9a-f]{32})\/(report\.html|model\.json|weights\.bin)$/.exec(path);
    if (made) sendRunFile(response, runs.find(made[1]), made[2]);
    else if (path === '/') response.writeHead(302, { location: '/pictures/' }).end();
    else
      files(request, response, () => sendError(request, response, new FerError('NOT_FOUND', 'there is no such page')));
  }

  async function api(request: IncomingMessage, response: ServerResponse, asked: string): Promise<void> {
    if (asked === 'GET /api/studio') {
      sendJson(response, 200, { out });
      return;
    }
    if (asked === 'POST /api/runs') {
      const { id, folder } = await runs.start((await readJson(request)).classes);
      sendJson(response, 201, { id, folder });
      return;
    }
    const [, id = '', action = ''] = /^(?:PUT|POST) \/api\/runs\/([0-9a-f]{32})\/(.*)$/.exec(asked) ?? [];
    const face = /^faces\/(\d{1,3})\/([\w-]+)$/.exec(action);
    if (asked.startsWith('PUT ') && face) {
      const run = runs.find(id);
      await runs.write(run, Number(face[1]), face[2], await readBody(request, MOST_FACE_BYTES));
      response.writeHead(204).end();
      return;
    }
    if (asked.startsWith('POST ') && action === 'train') {
      await readBody(request, MOST_JSON_BYTES);
      await trainRun(response, runs.find(id));
      return;
    }
    throw new FerError('NOT_FOUND', 'unknown request');
  }

  async function trainRun(response: ServerResponse, run: FaceRun): Promise<void> {
    // One at a time: a second one would slow both down and share their state.
    if (training) throw new FerError('OPTION', 'a training is already running: stop it, or wait');
    training = true;
    const left = new AbortController();
    response.on('close', () => left.abort());
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    const tell = (line: unknown) => response.write(`${JSON.stringify(line)}\n`);
    try {
      const signal = AbortSignal.any([left.signal, stopping.signal]);
      tell({ done: await train(run, { signal, onProgress: tell }) });
    } catch (error) {
      tell({ failed: failureOf(error) });
    } finally {
      training = false;
      response.end();
    }
  }

  return {
    port: address.port,
    async close() {
      stopping.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const MOST_JSON_BYTES = 2 ** 16;
const MOST_FACE_BYTES = 2 ** 20;

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program uses it' : reasonOf(error);
      reject(new FerError('OPTION', `port ${port} cannot be used: ${why}`, { cause: error }));
    });
    server.listen(port, '127.0.0.1', () => resolve(server.address() as AddressInfo));
  });
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = (await readBody(request, MOST_JSON_BYTES)).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new FerError('INPUT', 'expected a JSON object');
}

const TYPES: Readonly<Record<string, string>> = {
  'report.html': 'text/html; charset=utf-8',
  'model.json': 'application/json',
  'weights.bin': 'application/octet-stream',
};

function sendRunFile(response: ServerResponse, run: FaceRun, name: string): void {
  const file = createReadStream(join(run.folder, name));
  file.on('open', () => {
    response.setHeader('content-type', TYPES[name]);
    response.setHeader('cache-control', 'no-store');
    // The report contains its charts and pictures.
    if (name === 'report.html') response.removeHeader('content-security-policy');
    file.pipe(response);
  });
  file.on('error', () => {
    if (response.headersSent) response.destroy();
    else sendJson(response, 404, { code: 'NOT_FOUND', message: `this run has no ${name} yet` });
  });
}
