import { describe, expect, test } from 'vitest';
import { isList } from '../../src/image/is-list.js';

describe('isList', () => {
  test('distinguishes lists from single images, also empty lists and typed arrays', () => {
    expect(isList(['a.png', 'b.png'])).toBe(true);
    expect(isList([])).toBe(true);
    expect(isList('a.png')).toBe(false);
    expect(isList(new Uint8Array(3))).toBe(false);
  });

  test('a proxy that was revoked, of a list too, is refused with the reason', () => {
    const { proxy, revoke } = Proxy.revocable<string[]>([], {});
    revoke();
    expect(() => isList(proxy)).toThrow(
      expect.objectContaining({
        code: 'INPUT',
        message: expect.stringMatching(/an object that cannot be inspected cannot be read: .*revoked/),
        cause: expect.any(TypeError),
      }),
    );
  });

  test('a list whose length throws is refused with that error', () => {
    const cause = new RangeError('no length today');
    const list = new Proxy<string[]>([], {
      get() {
        throw cause;
      },
    });
    expect(() => isList(list)).toThrow(
      expect.objectContaining({ code: 'INPUT', message: expect.stringContaining('no length today'), cause }),
    );
  });
});
