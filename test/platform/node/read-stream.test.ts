import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readStream } from '../../../src/platform/node/read-stream.js';

describe('readStream', () => {
  test('gives all bytes, up to its limit', async () => {
    expect(await readStream(Readable.from([Buffer.from('ab'), Buffer.from('cde')]), 5, 'it')).toEqual(
      Buffer.from('abcde'),
    );
    expect(await readStream(Readable.from([]), 1, 'it')).toHaveLength(0);
  });

  test('stops a stream without end soon after its limit, and closes it', async () => {
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          given += 1000;
          yield Buffer.alloc(1000);
        }
      })(),
    );
    await expect(readStream(endless, 10_000, 'standard input')).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/^standard input has 11000 bytes.*maxBytes/),
    });
    expect(endless.destroyed).toBe(true);
    expect(given).toBeLessThan(100_000);
  });
});
