import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { FerError } from '../errors.js';

/** Answers a request for a file, or calls `next` if there is no such file. */
export type FileHandler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Folders of the package with code and binaries for the pages, served below `/package/`. */
const OF_PACKAGE = ['dist/standalone/', 'dist/wasm/', 'dist/faces/', 'weights/'];

/**
 * The files of the pages, in `dist/studio`, and the files of the package that they use. Each folder is listed once, at the
 * start, and only files in the list are served, so no address leads out of them.
 *
 * @param root - The folder of the package.
 * @throws FerError `NOT_FOUND` for a package without its files.
 */
export function pageFiles(root: URL): FileHandler {
  const serve = (folder: string) => {
    const path = fileURLToPath(new URL(folder, root));
    try {
      return sirv(path, { etag: true, extensions: ['html'], setHeaders });
    } catch (error) {
      throw new FerError('NOT_FOUND', `${path} cannot be read; install fer-dcnn again`, { cause: error });
    }
  };
  const ofPages = serve('dist/studio/');
  const ofPackage = OF_PACKAGE.map((folder) => ({ prefix: `/package/${folder}`, serve: serve(folder) }));

  return (request, response, next) => {
    const { url = '/' } = request;
    const found = ofPackage.find(({ prefix }) => url.startsWith(prefix));
    if (found === undefined) {
      ofPages(request, response, next);
      return;
    }
    request.url = url.slice(found.prefix.length - 1);
    found.serve(request, response, next);
  };
}

/** The pages can connect only to this server; no other site may embed or read them. */
function setHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  response.setHeader('cache-control', 'no-cache');
}

/** Headers of every answer. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
