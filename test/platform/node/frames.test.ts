import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { type Frame, listenForFrames, sendFrame } from '../../../src/platform/node/frames.js';
import fc from '../../fast-check.js';

test('frames arrive unchanged, however a pipe splits them', async () => {
  const frame = fc.record({
    header: fc.record({ name: fc.string(), limit: fc.constantFrom(1, Number.POSITIVE_INFINITY) }),
    bytes: fc.uint8Array({ maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), async (frames, size) => {
      const sent = new PassThrough();
      for (const { header, bytes } of frames) sendFrame(sent, header, bytes);
      sent.end();
      const chunks: Buffer[] = await sent.toArray();
      const all = Buffer.concat(chunks);

      const cut = new PassThrough();
      const got: Frame<unknown>[] = [];
      listenForFrames(cut, (each) => got.push(each));
      for (let at = 0; at < all.length; at += size) cut.write(all.subarray(at, at + size));
      cut.end();
      await once(cut, 'end');
      expect(got).toEqual(frames);
    }),
    { numRuns: 50 },
  );
});

test('an empty frame arrives before the next one is sent, and each frame has its own bytes', async () => {
  const pipe = new PassThrough();
  const got: Frame<string>[] = [];
  listenForFrames<string>(pipe, (each) => got.push(each));
  sendFrame(pipe, 'ready');
  await new Promise(setImmediate);
  expect(got).toEqual([{ header: 'ready', bytes: new Uint8Array() }]);
  sendFrame(pipe, 'one', Uint8Array.of(1, 2));
  sendFrame(pipe, 'two', Uint8Array.of(3));
  await new Promise(setImmediate);
  expect(got.slice(1).map(({ bytes }) => [...bytes])).toEqual([[1, 2], [3]]);
  expect(got[1].bytes.buffer).not.toBe(got[2].bytes.buffer);
});
