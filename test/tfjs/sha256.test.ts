import { sha256 as inJavaScript } from '@noble/hashes/sha2';
import { bytesToHex } from '@noble/hashes/utils';
import { describe, expect, test } from 'vitest';
import { runtime } from '#runtime';
import { sha256 } from '../../src/tfjs/sha256.js';
import fc from '../fast-check.js';

describe('sha256', () => {
  // FIPS 180-2, appendix B.1.
  test('of abc is that of the standard', () => {
    expect(bytesToHex(sha256(new TextEncoder().encode('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  test('by Node is that in JavaScript, which browsers use', () => {
    expect(runtime.sha256).toBeDefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, from) => {
        const part = bytes.subarray(from);
        expect(bytesToHex(sha256(part))).toBe(bytesToHex(inJavaScript(part)));
      }),
    );
  });
});
