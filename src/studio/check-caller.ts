import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FerError } from '../errors.js';

/**
 * Checks that a request is meant for this server. Another site may point its own host name to 127.0.0.1 (DNS rebinding). Its pages
 * would then look like ours, except for the host name in their requests.
 *
 * @param port - The port that the server listens on.
 * @throws FerError `REFUSED` for another host name.
 */
export function checkHost(request: IncomingMessage, port: number): void {
  const host = request.headers.host ?? '';
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    throw new FerError('REFUSED', `this server answers only as 127.0.0.1:${port}, not as ${JSON.stringify(host)}`);
  }
}

/**
 * Checks that a request comes from this server's page, which knows the token.
 *
 * @throws FerError `REFUSED` for another origin, or without the token.
 */
export function checkToken(request: IncomingMessage, token: string): void {
  const { origin, host, authorization = '' } = request.headers;
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new FerError('REFUSED', `pages of ${JSON.stringify(origin)} may not write here`);
  }
  if (!timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))) {
    throw new FerError('REFUSED', 'the token is missing or wrong: open the address that fer-dcnn studio printed');
  }
}

/** Hashes of equal length, for any input. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
