import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import { FerError, reasonOf } from '../errors.js';

/** Where checkpoints are kept. In Node a folder's path does; elsewhere, or for other storage, an object like this. */
export interface CheckpointStore {
  /** Replaces what was saved before, all or nothing. */
  save(bytes: Uint8Array): Promise<void>;
  /** What was saved last, or null. */
  load(): Promise<Uint8Array | null>;
}

/** All that a training needs to go on as if it had not stopped. */
export interface Checkpoint {
  /** Plain values: epochs done, history, settings. */
  state: Record<string, unknown>;
  /** Weights, optimiser moments, averages and best weights, in the order that the writer chose. */
  arrays: Float32Array[];
}

/**
 * Writes a checkpoint as one sequence of bytes: a magic word, the length of a JSON head, the head (state, lengths,
 * sha256 of the rest), then the arrays, float32, little-endian.
 */
export function encodeCheckpoint({ state, arrays }: Checkpoint): Uint8Array {
  const body = new Uint8Array(arrays.reduce((sum, array) => sum + array.byteLength, 0));
  let offset = 0;
  for (const array of arrays) {
    body.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  const head = new TextEncoder().encode(
    JSON.stringify({ state, lengths: arrays.map((array) => array.length), sha256: bytesToHex(sha256(body)) }),
  );
  const bytes = new Uint8Array(HEAD_AT + head.length + body.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, head.length, true);
  bytes.set(head, HEAD_AT);
  bytes.set(body, HEAD_AT + head.length);
  return bytes;
}

/**
 * Reads what {@link encodeCheckpoint} wrote.
 *
 * @throws FerError `CHECKPOINT` when the bytes are not a whole checkpoint.
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  if (bytes.length < HEAD_AT || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FerError('CHECKPOINT', 'the checkpoint is not one of this library, or of another version');
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  try {
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_AT, HEAD_AT + length)));
    // A copy, so that the floats are aligned; of a Node Buffer, slice would be none.
    const body = new Uint8Array(bytes.subarray(HEAD_AT + length));
    if (bytesToHex(sha256(body)) !== head.sha256) throw new Error('its sha256 does not match');
    let offset = 0;
    const arrays = (head.lengths as number[]).map((size) => {
      const array = new Float32Array(body.buffer, offset, size);
      offset += array.byteLength;
      return array;
    });
    return { state: head.state, arrays };
  } catch (error) {
    throw new FerError('CHECKPOINT', `the checkpoint is damaged: ${reasonOf(error)}`, { cause: error });
  }
}

// --- below this line: helpers of this file alone ---

const MAGIC = new TextEncoder().encode('FERCKPT1');
const HEAD_AT = MAGIC.length + 4;
