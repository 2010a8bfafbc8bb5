import type { IncomingMessage, ServerResponse } from 'node:http';
import { FerError, type FerErrorCode, reasonOf } from '../errors.js';

/** HTTP status of an error: errors of the page are 4xx. */
const STATUS: Partial<Record<FerErrorCode, number>> = {
  REFUSED: 403,
  NOT_FOUND: 404,
  TOO_LARGE: 413,
  OPTION: 400,
  CLASSES: 400,
  DATA: 400,
  INPUT: 400,
  DECODE: 400,
};

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

/** Answers with an error: `{ code, message }` of a {@link FerError}. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const failure = failureOf(error);
  // The unread rest of a body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  sendJson(response, STATUS[failure.code as FerErrorCode] ?? 500, failure);
}

/** The data of an error for the page. */
export function failureOf(error: unknown): { code: string; message: string } {
  return error instanceof FerError
    ? { code: error.code, message: error.message }
    : { code: 'UNKNOWN', message: reasonOf(error) };
}
