import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FerError } from '../errors.js';

/**
 * Makes sure that a request is meant for this server. Another site may give a name of its own the address 127.0.0.1 (DNS
 * rebinding): its pages would then count as ours, but for the name that they ask for.
 *
 * @param port - The port that the server listens on.
 * @throws FerError `REFUSED` for a host of another name.
 */
export function checkHost(request: IncomingMessage, port: number): void {
  const host = request.headers.host ?? '';
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    throw new FerError('REFUSED', `this server answers as 127.0.0.1:${port} alone, not as ${JSON.stringify(host)}`);
  }
}

/**
 * Makes sure that a request comes from the page that this server gave out: it knows the token of the run.
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

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
