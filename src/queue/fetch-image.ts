import { type LookupAddress, lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { FerError, reasonOf } from '../errors.js';
import { isPrivateAddress } from './private-address.js';

export interface FetchImageOptions {
  /** Allowed hosts, as in addresses: `images.example.com`, or `images.example.com:8443`. */
  hosts: readonly string[];
  /** Hosts among them that may have private addresses. */
  privateHosts: readonly string[];
  maxBytes: number;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Waits until there is memory for a number of bytes. */
  room?: (bytes: number) => Promise<void>;
}

/**
 * Fetches an image from one of the named hosts. It connects to the same address that was checked, so a name that
 * resolves to another address the next time cannot bypass the check. Redirects are not followed.
 *
 * @throws FerError `REFUSED` for other hosts, private addresses and redirects; `NOT_FOUND` when the server does not have
 * the image or denies access (4xx); `TOO_LARGE`; `UNREACHABLE` when the server does not answer in time, or answers 5xx or
 * 429; then a retry may help.
 */
export async function fetchImage(address: string, options: FetchImageOptions): Promise<Uint8Array> {
  const url = new URL(address);
  const shown = `${url.origin}${url.pathname}`;
  const mayBePrivate = options.privateHosts.includes(url.host);
  if (!mayBePrivate && !options.hosts.includes(url.host)) {
    throw new FerError('REFUSED', `${shown}: this worker does not read from ${url.host} (--host allows it)`);
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (!mayBePrivate && isIP(literal) && isPrivateAddress(literal)) throw privateAddress(url.host, literal);

  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  try {
    const lookup = mayBePrivate ? undefined : publicLookup(url.host);
    const { response, size } = await get(url, shown, signal, options.maxBytes, lookup);
    try {
      await options.room?.(size ?? options.maxBytes);
      return await contentOf(response, shown, options.maxBytes);
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (error instanceof FerError) throw error;
    if (options.signal?.aborted) throw new FerError('ABORTED', `${shown}: stopped`, { cause: error });
    const reason = timeout.aborted ? `no complete answer within ${options.timeoutMs} ms` : reasonOf(error);
    throw new FerError('UNREACHABLE', `${shown} cannot be fetched: ${reason}`, { cause: error });
  }
}

type Lookup = NonNullable<http.RequestOptions['lookup']>;

/** Separate agents: a connection to a private address is never used again for a host that may not have one. */
const agents = { public: agentPair(), private: agentPair() };

function agentPair() {
  return { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };
}

/** Resolves names as dns.lookup does, without private addresses. */
function publicLookup(host: string): Lookup {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const refused = found?.find(({ address }) => isPrivateAddress(address));
      if (error || refused) callback(error ?? privateAddress(host, refused!.address), '', 4);
      else if (options.all) callback(null, found);
      else callback(null, found[0].address, found[0].family);
    });
  };
}

function privateAddress(host: string, address: string): FerError {
  return new FerError('REFUSED', `${host} has the private address ${address} (--private-host allows it)`);
}

interface Answer {
  response: http.IncomingMessage;
  /** Bytes that the server announces; undefined when it does not. */
  size: number | undefined;
}

function get(url: URL, shown: string, signal: AbortSignal, maxBytes: number, lookup?: Lookup): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https : http;
  const agent = agents[lookup ? 'public' : 'private'][url.protocol as 'http:' | 'https:'];
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, signal, ...(lookup && { lookup }) }, (response) => {
      const status = response.statusCode ?? 0;
      const declared = response.headers['content-length'];
      const size = declared === undefined ? undefined : Number(declared);
      if (status === 200 && !(size !== undefined && size > maxBytes)) {
        resolve({ response, size });
        return;
      }
      reject(status === 200 ? tooLarge(shown, maxBytes) : statusError(shown, status));
      response.destroy();
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function contentOf(response: http.IncomingMessage, shown: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw tooLarge(shown, maxBytes);
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(shown: string, maxBytes: number): FerError {
  return new FerError('TOO_LARGE', `${shown} has more than ${maxBytes} bytes`);
}

function statusError(shown: string, status: number): FerError {
  if (status >= 300 && status < 400)
    return new FerError('REFUSED', `${shown} redirects (${status}), which is not followed`);
  if (status >= 500 || status === 408 || status === 429) {
    return new FerError('UNREACHABLE', `${shown} cannot be fetched: the server answers ${status}`);
  }
  return new FerError('NOT_FOUND', `${shown} cannot be fetched: the server answers ${status}`);
}
