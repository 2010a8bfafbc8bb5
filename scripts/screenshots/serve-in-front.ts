import { createReadStream, existsSync } from 'node:fs';
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

/** A server in front of the studio: its pages may be shown in a frame, be kept loading, and be stopped for a picture. */
export interface FrontServer {
  /** With a trailing slash. `frame.html` is an empty page with one `<iframe>`. */
  url: string;
  /** Holds back the package's binaries until `release`. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

/**
 * Passes requests on to the studio. Browsers' windows are not as narrow as a phone, but a frame is.
 *
 * @param port - Port of the studio.
 * @param reports - A folder that is served below `/reports/`.
 */
export async function serveInFront(port: number, reports: string): Promise<FrontServer> {
  let held: (() => void)[] | null = null;
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://127.0.0.1');
    if (pathname === '/frame.html') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(FRAME);
      return;
    }
    const report = join(reports, normalize(pathname).replace('/reports/', ''));
    if (pathname.startsWith('/reports/') && existsSync(report)) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      createReadStream(report).pipe(response);
      return;
    }
    const { origin: _, ...sent } = request.headers;
    const headers = { ...sent, host: `127.0.0.1:${port}`, 'if-none-match': '' };
    const passOn = () =>
      request.pipe(
        ask({ port, host: '127.0.0.1', method: request.method, path: request.url, headers }, (answer) => {
          const { 'content-security-policy': __, 'content-length': ___, ...rest } = answer.headers;
          response.writeHead(answer.statusCode!, rest);
          if (rest['content-type']?.startsWith('text/html')) {
            response.write(
              search.includes('without-wasm') ? `${STOPPABLE}<script>delete WebAssembly</script>` : STOPPABLE,
            );
          }
          answer.pipe(response);
        }),
      );
    if (held !== null && /\.(wasm|bin)$/.test(pathname)) held.push(passOn);
    else passOn();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    hold() {
      held = [];
    },
    release() {
      for (const passOn of held ?? []) passOn();
      held = null;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** tsx puts calls of `__name` into functions that are passed to the page. */
const FRAME = `<!doctype html><html lang="en"><link rel="icon" href="data:," /><title>frame</title>
<script>globalThis.__name = (of) => of</script>
<style>body { margin: 0 } iframe { border: 0; display: block }</style><iframe allow="camera"></iframe></html>`;

/** Between `stopTime()` and `startTime()` the clock stands still, and messages of workers and servers wait. */
const STOPPABLE = `<!doctype html><script>{
  const now = performance.now.bind(performance);
  let stopped = null, shift = 0, waiting = [];
  performance.now = () => (stopped ?? now()) - shift;
  const later = (call) => (stopped === null ? call() : void waiting.push(call));
  const { addEventListener } = Worker.prototype;
  Worker.prototype.addEventListener = function (type, listener) {
    addEventListener.call(this, type, (event) => later(() => listener(event)));
  };
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = function () {
    return read.call(this).then((result) => new Promise((resolve) => later(() => resolve(result))));
  };
  globalThis.stopTime = () => { stopped ??= now(); };
  globalThis.startTime = () => {
    if (stopped === null) return;
    shift += now() - stopped;
    stopped = null;
    for (const call of waiting.splice(0)) call();
  };
}</script>`;
