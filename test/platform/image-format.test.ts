import { describe, expect, test } from 'vitest';
import { FORMAT_HEAD_BYTES, type ImageFormat, imageFormat, otherFormat } from '../../src/platform/image-format.js';

/** Bytes of a text whose characters are below 256. */
const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const rest = '\0\x01\x02\x03'.repeat(8);
/** The box that starts an ISO base media file (ISO/IEC 14496-12, 4.3): its length, major brand, version, other brands. */
const ftyp = (major: string, ...others: string[]) =>
  `\0\0\0${String.fromCharCode(16 + 4 * others.length)}ftyp${major}\0\0\0\0${others.join('')}`;

describe('imageFormat', () => {
  test.each<[string, ImageFormat, string]>([
    ['a JPEG', 'jpeg', '\xff\xd8\xff\xe0'],
    ['a PNG', 'png', '\x89PNG\r\n\x1a\n'],
    ['a GIF of 1987', 'gif', 'GIF87a'],
    ['a GIF of 1989', 'gif', 'GIF89a'],
    ['a WebP, whatever its length', 'webp', 'RIFF\n\r\x00\xffWEBPVP8 '],
    ['a little-endian TIFF', 'tiff', 'II*\0'],
    ['a big-endian TIFF', 'tiff', 'MM\0*'],
    ['a little-endian BigTIFF', 'tiff', 'II+\0'],
    ['a big-endian BigTIFF', 'tiff', 'MM\0+'],
    ['an AVIF by its major brand', 'avif', ftyp('avif', 'mif1')],
    ['an AVIF sequence', 'avif', ftyp('avis', 'msf1')],
    ['an AVIF by a compatible brand', 'avif', ftyp('mif1', 'miaf', 'avif')],
    ['an AVIF by the last of its brands', 'avif', ftyp('mif1', 'miaf', 'MA1B', 'heic', 'avif')],
  ])('recognises %s by its first bytes', (_, format, head) => {
    expect(imageFormat(bytes(head + rest), 'it')).toBe(format);
  });

  // Each is the signature with something before it, or with one byte of it another.
  test.each([
    'x\xff\xd8\xff',
    '\xff\xd8\xfe',
    'x\x89PNG\r\n\x1a\n',
    '\x89PNG\n\x1a\n',
    'xGIF89a',
    'GIF88a',
    'xRIFF....WEBP',
    'RIFF....WAVE',
    'RIFF...WEBP',
    'xII*\0',
    'xMM\0*',
    'II*\x01',
    'II\0*',
    'MM*\0',
    'MM\0,',
    ftyp('avif').replace('ftyp', 'free'),
    `\0${ftyp('avif')}`,
    ftyp('mif1', 'xavi', 'fxxx'),
    // After the end of the box, it is not a brand.
    `${ftyp('mif1', 'miaf')}avif`,
    // The version, between the major brand and the others, is none either.
    `\0\0\0\x14ftypmif1${'vers'}avix`,
  ])('similar bytes are not recognised: %j', (head) => {
    expect(() => imageFormat(bytes(head + rest), 'it')).toThrow(expect.objectContaining({ code: 'DECODE' }));
  });

  test.each([
    ['', 'empty'],
    [ftyp('heic', 'mif1') + rest, 'a HEIC image'],
    [ftyp('heix') + rest, 'a HEIC image'],
    [ftyp('heim') + rest, 'a HEIC image'],
    [ftyp('heis') + rest, 'a HEIC image'],
    [ftyp('mif1', 'hevc') + rest, 'a HEIC image'],
    [ftyp('hevx') + rest, 'a HEIC image'],
    [ftyp('isom', 'mp41') + rest, 'a video'],
    [`${ftyp('isom', 'mp41')}heic`, 'a video'],
    [ftyp('heiz', 'hevz') + rest, 'a video'],
    [`%PDF-1.7\n${rest}`, 'a PDF document'],
    [`see %PDF${rest}`, 'of no known image format'],
    ['<?xml version="1.0"?>\n<SVG xmlns="http://www.w3.org/2000/svg">', 'an SVG drawing'],
    [`BM\x46\0\0\0${rest}`, 'a BMP image'],
    [`\0BM${rest}`, 'of no known image format'],
    ['an "odd" note\r\n\tof a person, by hand', 'text ("an \\"odd\\" note\\r\\n\\tof a per"...), not an image'],
    ['~', 'text ("~"...), not an image'],
    ['a note\0', 'of no known image format'],
    ['\x80 a note', 'of no known image format'],
    [rest, 'of no known image format'],
  ])('says what %j is instead, and what is read', (head, what) => {
    expect(() => imageFormat(bytes(head), 'party.jpg')).toThrow(
      expect.objectContaining({
        code: 'DECODE',
        message: expect.stringContaining(`party.jpg is ${what}; supported are JPEG, PNG, WebP, AVIF, GIF and TIFF`),
      }),
    );
  });

  test('gives a media type only for pixel formats that browsers show', () => {
    const typeOf = (head: string) => otherFormat(bytes(head)).mediaType;
    expect(typeOf(ftyp('heic', 'mif1') + rest)).toBe('image/heic');
    expect(typeOf(`BM\x46\0\0\0${rest}`)).toBe('image/bmp');
    for (const head of [`%PDF-1.7\n${rest}`, '<svg>', ftyp('isom', 'mp41') + rest, 'a note', rest, '']) {
      expect(typeOf(head)).toBeUndefined();
    }
  });

  test('reads no more than the bytes that it requests', () => {
    const long = bytes(`${' '.repeat(FORMAT_HEAD_BYTES)}<svg`);
    expect(() => imageFormat(long, 'it')).toThrow(/is text /);
  });
});
