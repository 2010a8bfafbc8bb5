/**
 * Measures frames per second of `fer-dcnn/lite` in each installed browser, detection and classification separately, and the
 * download size: `npm run bench:browser`, or `npm run bench:browser -- firefox`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'vite';
import config from '../examples/vite.config.js';
import type { BrowserFigures } from '../test/bench/browser/main.js';
import { endBrowsers, engines, openPage } from '../test/browser/engines.js';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

const wanted = process.argv.slice(2);
const outDir = mkdtempSync(join(tmpdir(), 'fer-dcnn-bench-'));
await build({
  ...config,
  root: resolve('test/bench/browser'),
  configFile: false,
  logLevel: 'error',
  build: { outDir },
});
const asked = new Set<string>();
const server = await serve(outDir, asked);
const { port } = server.address() as AddressInfo;
const rows: Record<string, Record<string, number | string>> = {};
try {
  for (const engine of engines.filter((name) => wanted.length === 0 || wanted.includes(name))) {
    const page = await openPage(engine, `http://127.0.0.1:${port}/`);
    try {
      asked.clear();
      await page.goto(`http://127.0.0.1:${port}/`);
      const figures = await page.evaluate(
        () => (globalThis as unknown as { figures: Promise<BrowserFigures> }).figures,
      );
      rows[engine] = rowOf(figures, sizeOf(asked));
      console.log(`measured ${engine}`);
    } finally {
      await page.close();
    }
  }
} finally {
  await endBrowsers();
  server.close();
  rmSync(outDir, { recursive: true, force: true });
}
console.log('A drawn frame of 640x480 with two faces; medians. Goals: first faces 80 ms, a frame 8 ms, 680 KB in all.');
console.table(rows);

function rowOf({ first, faces, detect, classify, frame, track }: BrowserFigures, bytes: number) {
  const ms = (time: number) => Number(time.toFixed(2));
  return {
    faces,
    'first faces, ms': Math.round(first),
    'detect, ms': ms(detect),
    'classify a face, ms': ms(classify),
    'frame, ms': ms(frame),
    'frames a second': Math.round(1000 / frame),
    'tracked, a second': Math.round(1000 / track),
    'brotli, KB': Math.round(bytes / 1000),
  };
}

/** Downloaded bytes with brotli: the code, the modules and the weights. */
function sizeOf(files: ReadonlySet<string>): number {
  return [...files].reduce((sum, file) => sum + brotliCompressSync(readFileSync(file)).length, 0);
}

/** Serves the page; `serveStatic` of the tests does not report the requests. */
async function serve(folder: string, asked: Set<string>): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const file = join(folder, url === '/' ? 'index.html' : new URL(url, 'http://127.0.0.1').pathname);
    try {
      const content = readFileSync(file);
      if (extname(file) !== '.html') asked.add(file);
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
