import { bytesToHex } from '@noble/hashes/utils';
import { FerError, reasonOf } from '../../errors.js';
import { sha256 } from '../sha256.js';

/** The full state of a training, from which it continues as if it had not stopped. */
export interface Checkpoint {
  /** Plain values: epochs done, history, settings. */
  state: Record<string, unknown>;
  /** Weights, optimiser moments, averages and best weights, in the order of the writer. */
  arrays: Float32Array[];
}

/**
 * Encodes a checkpoint: a magic word, the sha256 of all following bytes, the length of a JSON head, the head (state,
 * lengths), then the arrays as little-endian float32.
 */
export function encodeCheckpoint({ state, arrays }: Checkpoint): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify({ state, lengths: arrays.map((array) => array.length) }));
  const bytes = new Uint8Array(HEAD_AT + head.length + arrays.reduce((sum, array) => sum + array.byteLength, 0));
  new DataView(bytes.buffer).setUint32(LENGTH_AT, head.length, true);
  bytes.set(head, HEAD_AT);
  let offset = HEAD_AT + head.length;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  bytes.set(MAGIC);
  bytes.set(sha256(bytes.subarray(LENGTH_AT)), MAGIC.length);
  return bytes;
}

/**
 * Reads what {@link encodeCheckpoint} wrote.
 *
 * @throws FerError `CHECKPOINT` when the bytes are not a whole checkpoint.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  if (bytes.length < HEAD_AT || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FerError('CHECKPOINT', 'the file is not a checkpoint of this library, or is of another version');
  }
  const sum = bytesToHex(bytes.subarray(MAGIC.length, LENGTH_AT));
  if (bytesToHex(sha256(bytes.subarray(LENGTH_AT))) !== sum) {
    throw new FerError('CHECKPOINT', 'the checkpoint is damaged: its sha256 does not match');
  }
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(LENGTH_AT, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_AT, HEAD_AT + length)));
    // A copy, so that the floats are aligned; slice() of a Node Buffer does not copy.
    const body = new Uint8Array(bytes.subarray(HEAD_AT + length));
    let offset = 0;
    const arrays = (head.lengths as number[]).map((size) => {
      const array = new Float32Array(body.buffer, offset, size);
      offset += array.byteLength;
      return array;
    });
    if (offset !== body.length) throw new Error(`its arrays take ${offset} of ${body.length} bytes`);
    return { state: head.state, arrays };
  } catch (error) {
    throw new FerError('CHECKPOINT', `the checkpoint is damaged: ${reasonOf(error)}`, { cause: error });
  }
}

const MAGIC = Uint8Array.from('FERCKPT2', (letter) => letter.charCodeAt(0));
const LENGTH_AT = MAGIC.length + 32;
const HEAD_AT = LENGTH_AT + 4;
