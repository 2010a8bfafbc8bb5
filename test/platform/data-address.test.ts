import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { describeInput } from '../../src/describe-input.js';
import { bytesOfDataAddress, isDataAddress } from '../../src/platform/data-address.js';
import { imageFormat } from '../../src/platform/image-format.js';
import { imageLimits } from '../../src/platform/image-limits.js';
import { decode } from '../../src/platform/node/decode.js';
import fc from '../fast-check.js';

const NO_LIMITS = imageLimits({});
const png = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#4080c0' } })
  .png({ compressionLevel: 0 })
  .toBuffer();
const address = `data:image/png;base64,${png.toString('base64')}`;

describe('a data: address', () => {
  test('gives its bytes, in every notation', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const base64 = `data:;base64,${Buffer.from(bytes).toString('base64')}`;
        const percent = `DATA:image/x,${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`;
        for (const each of [base64, percent, new URL(percent)]) {
          expect(isDataAddress(each)).toBe(true);
          expect([...bytesOfDataAddress(each, 'it', 1e6)]).toEqual([...bytes]);
        }
      }),
    );
  });

  test('is read as an image, and never appears in a message', async () => {
    for (const each of [address, new URL(address)]) {
      expect(await decode(each, NO_LIMITS)).toMatchObject({ width: 40, height: 30, channels: 3 });
      expect(describeInput(each)).toBe(
        `a data: address of ${address.length.toLocaleString('en')} characters, image/png`,
      );
      await expect(decode(each, { ...NO_LIMITS, maxBytes: 99 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    }
    for (const broken of ['data:image/png;base64,(((', 'data:image/png', 'data:image/svg+xml,<svg/>']) {
      const { code, message } = await decode(broken, NO_LIMITS).catch((error) => error);
      expect(['INPUT', 'DECODE']).toContain(code);
      expect(message).toMatch(/^a data: address of \d+ characters/);
    }
  });

  test('bare base64 without its beginning is recognised', async () => {
    for (const bare of [png.toString('base64'), png.toString('base64url')]) {
      const { code, message } = await decode(bare, NO_LIMITS).catch((error) => error);
      expect(code).toBe('INPUT');
      expect(message).toMatch(/base64 of a png.*Buffer\.from\(text, 'base64'\)/);
      expect(message.length).toBeLessThan(200);
    }
  });
});

test.each(['x'.repeat(5000), `${'folder/'.repeat(600)}a.jpg`, 'https://example.org/'.padEnd(5000, 'x')])(
  'a name of thousands of letters is cut in messages',
  async (name) => {
    for (const input of name.startsWith('https') ? [name, new URL(name)] : [name]) {
      const { name: kind, message } = await decode(input, NO_LIMITS).catch((error) => error);
      expect(kind).toBe('FerError');
      expect(message.length).toBeLessThan(700);
    }
  },
);

test('a HEIC image is refused with the way to convert it', () => {
  const head = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
  expect(() => imageFormat(head, 'photo.heic')).toThrow(/photo\.heic is a HEIC image;.* convert it: .*photo\.jpg/);
});
