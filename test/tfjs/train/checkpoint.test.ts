import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/tfjs/train/checkpoint.js';

const state = { epoch: 3, history: { loss: [0.5, 0.25] }, settings: 'für ü' };

describe('a checkpoint', () => {
  test('is a magic word, a sha256 of the rest, the length of a JSON head, the head, then floats, little-endian', () => {
    const bytes = encodeCheckpoint({ state, arrays: [Float32Array.of(1, -2), Float32Array.of(0.5)] });
    const floats = Buffer.alloc(12);
    for (const [i, value] of [1, -2, 0.5].entries()) floats.writeFloatLE(value, 4 * i);
    expect(Buffer.from(bytes)).toEqual(signed(JSON.stringify({ state, lengths: [2, 1] }), floats));
  });

  test('is restored exactly: empty arrays, no arrays, and parts of larger ones', () => {
    const whole = Float32Array.of(9, 1, 2, 3, 9);
    for (const arrays of [[], [Float32Array.of(), whole.subarray(1, 4), Float32Array.of(), Float32Array.of(7)]]) {
      expect(decodeCheckpoint(encodeCheckpoint({ state, arrays }))).toEqual({
        state,
        arrays: arrays.map((array) => array.slice()),
      });
    }
  });

  test('is read from any address in memory, and its arrays are copies', () => {
    const checkpoint = { state, arrays: [Float32Array.of(1, 2), Float32Array.of(3)] };
    const encoded = encodeCheckpoint(checkpoint);
    for (let at = 0; at < 4; at++) {
      // A Node Buffer, whose slice would share its memory.
      const bytes = Buffer.alloc(encoded.length + 8, 255).subarray(at, at + encoded.length);
      bytes.set(encoded);
      const decoded = decodeCheckpoint(bytes);
      bytes.fill(0);
      expect(decoded).toEqual(checkpoint);
    }
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['zeros', new Uint8Array(100)],
    ['another magic word', Buffer.from(signed('{}')).fill('FERCKPT1', 0, 8)],
    ['a magic word whose first letter is wrong', Buffer.from(signed('{}')).fill('f', 0, 1)],
    ['a head that is cut off', signed('').subarray(0, 43)],
  ])('of %s is not one of this library', (_, bytes) => {
    expect(() => decodeCheckpoint(bytes)).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT',
        message: 'the file is not a checkpoint of this library, or is of another version',
      }),
    );
  });

  test('that does not match its sha256 is damaged, in each part of it', () => {
    const whole = encodeCheckpoint({ state, arrays: [Float32Array.of(1)] });
    // The first and the last byte of the sum, of the length, of the head and of the floats.
    for (const at of [8, 39, 40, 43, 44, whole.length - 5, whole.length - 4, whole.length - 1]) {
      const damaged = Uint8Array.from(whole);
      damaged[at] ^= 1;
      expect(() => decodeCheckpoint(damaged), `byte ${at}`).toThrow(
        expect.objectContaining({
          code: 'CHECKPOINT',
          message: 'the checkpoint is damaged: its sha256 does not match',
        }),
      );
    }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['no head', signed(''), /JSON/],
    ['a head that is no JSON', signed('{state}'), /JSON/],
    ['a head without lengths', signed('{"state":{}}'), /undefined/],
    ['fewer floats than its head says', signed('{"state":{},"lengths":[1,2]}', Buffer.alloc(8)), /length/],
    ['more floats', signed('{"state":{},"lengths":[1,2]}', Buffer.alloc(16)), /its arrays take 12 of 16 bytes$/],
    ['bytes behind its floats', signed('{"state":{},"lengths":[1]}', Buffer.alloc(5)), /its arrays take 4 of 5 bytes$/],
  ])('whose sum is right but that has %s is damaged, and the message says why', (_, bytes, reason) => {
    expect(() => decodeCheckpoint(bytes)).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT',
        message: expect.stringMatching(new RegExp(`^the checkpoint is damaged: .*${reason.source}`)),
        cause: expect.any(Error),
      }),
    );
  });
});

function signed(head: string, floats = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(head));
  const rest = Buffer.concat([length, Buffer.from(head), floats]);
  return Buffer.concat([Buffer.from('FERCKPT2'), createHash('sha256').update(rest).digest(), rest]);
}
