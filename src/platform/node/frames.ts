import type { Readable, Writable } from 'node:stream';
import { deserialize, serialize } from 'node:v8';

/** Bytes with a header: the messages between two processes of this package. */
export interface Frame<Header> {
  header: Header;
  bytes: Uint8Array;
}

/** Writes a frame into a pipe. */
export function sendFrame<Header>(pipe: Writable, header: Header, bytes: Uint8Array = new Uint8Array()): void {
  const head = serialize(header);
  const lengths = Buffer.alloc(LENGTHS);
  lengths.writeDoubleLE(head.length, 0);
  lengths.writeDoubleLE(bytes.length, 8);
  pipe.write(Buffer.concat([lengths, head]));
  if (bytes.length > 0) pipe.write(bytes);
}

/** Calls `take` with each frame from a pipe. Each frame has its own copy of the bytes. */
export function listenForFrames<Header>(pipe: Readable, take: (frame: Frame<Header>) => void): void {
  let header: Header;
  let next: (part: Uint8Array) => void = onLengths;
  let part = new Uint8Array(LENGTHS);
  let filled = 0;
  let bytesLength = 0;

  function onLengths(lengths: Uint8Array) {
    const view = new DataView(lengths.buffer);
    bytesLength = view.getFloat64(8, true);
    expect(view.getFloat64(0, true), onHeader);
  }
  function onHeader(head: Uint8Array) {
    header = deserialize(head);
    expect(bytesLength, onBytes);
  }
  function onBytes(bytes: Uint8Array) {
    expect(LENGTHS, onLengths);
    take({ header, bytes });
  }
  function expect(length: number, then: (part: Uint8Array) => void) {
    part = new Uint8Array(length);
    filled = 0;
    next = then;
  }

  pipe.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length || filled === part.length; ) {
      const count = Math.min(chunk.length - at, part.length - filled);
      part.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled === part.length) next(part);
    }
  });
}

/** Two numbers of 8 bytes: lengths of the header and of the bytes. */
const LENGTHS = 16;
