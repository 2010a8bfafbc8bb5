import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { build, createServer as createViteServer, type InlineConfig, preview } from 'vite';

/** Something that serves pages on this machine. */
export interface Served {
  /** With a trailing slash. */
  url: string;
  close(): Promise<void>;
}

export interface StaticServerOptions {
  /** Sent with every answer. */
  headers?: Record<string, string>;
  /** Other addresses of files and, with a slash at the end, of folders. */
  aliases?: Record<string, string>;
}

/** A plain file server that knows nothing of packages. */
export async function serveStatic(folder: string, options: StaticServerOptions = {}): Promise<Served> {
  const { headers = {}, aliases = {} } = options;
  const server = createServer((request, response) => {
    const asked = normalize(decodeURIComponent(new URL(request.url!, 'http://127.0.0.1').pathname));
    const alias = Object.keys(aliases).find((key) => key === asked || (key.endsWith('/') && asked.startsWith(key)));
    const path = alias === undefined ? asked : aliases[alias] + asked.slice(alias.length);
    const file = join(folder, path);
    if (!existsSync(file) || statSync(file).isDirectory()) {
      response.writeHead(404, headers).end('not found');
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Vite's development server, without any configuration but the address, unless `options` are given. */
export async function serveVite(root: string, options: InlineConfig = {}): Promise<Served> {
  const server = await createViteServer({
    ...options,
    root,
    configFile: false,
    logLevel: 'warn',
    server: { host: '127.0.0.1', port: 0 },
  });
  await server.listen();
  return { url: urlOf(server.resolvedUrls), close: () => server.close() };
}

/** Builds with Vite, without any configuration unless `options` are given, and serves the result. */
export async function serveViteBuild(root: string, options: InlineConfig = {}): Promise<Served> {
  if (Object.keys(options).length > 0) await build({ ...options, root, configFile: false, logLevel: 'error' });
  else await viteBuild(root);
  const server = await preview({
    ...options,
    root,
    configFile: false,
    logLevel: 'warn',
    preview: { host: '127.0.0.1', port: 0 },
  });
  return { url: urlOf(server.resolvedUrls), close: () => server.close() };
}

/**
 * Builds with Vite, without any configuration, and only once for all test files.
 *
 * @returns The folder with the result.
 */
export async function viteBuild(root: string): Promise<string> {
  if (!built.has(root)) built.set(root, build({ root, configFile: false, logLevel: 'error' }));
  await built.get(root);
  return join(root, 'dist');
}

const built = new Map<string, Promise<unknown>>();

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.wasm': 'application/wasm',
};

function urlOf(urls: { local: string[] } | null): string {
  return urls!.local[0];
}
