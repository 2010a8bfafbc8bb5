import { afterEach, expect, test, vi } from 'vitest';
import { describeInput } from '../src/describe-input.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

class Hat {}
class HTMLHatElement {}
class kAE {}

test.each<[string, unknown, string]>([
  ['text', 'face.jpg', '"face.jpg"'],
  ['text with marks', 'a\n"b"', '"a\\n\\"b\\""'],
  ['no text', '', '""'],
  ['a number', -5.5, '-5.5'],
  ['no number', Number.NaN, 'NaN'],
  ['true', true, 'true'],
  ['null', null, 'null'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['a bigint', 5n, 'a bigint'],
  ['a function', () => 0, 'a function'],
  ['a class', Hat, 'a function'],
  ['a URL', new URL('file:///tmp/face.jpg'), 'file:///tmp/face.jpg'],
  ['a buffer', new ArrayBuffer(3), 'ArrayBuffer of 3 bytes'],
  ['bytes', new Uint8Array(3), 'Uint8Array of 3 bytes'],
  ['floats', new Float32Array(3), 'Float32Array of 12 bytes'],
  ['a view', new DataView(new ArrayBuffer(8), 3), 'DataView of 5 bytes'],
  ['a blob', new Blob(['four']), 'Blob of 4 bytes'],
  ['an object', { width: 3, height: 4 }, 'an object with the keys width, height'],
  ['an empty object', {}, 'an object without keys'],
  [
    'an object of ten keys',
    Object.fromEntries([...'abcdefghij'].map((key) => [key, 1])),
    'an object with the keys a, b, c, d, e, f, g, h',
  ],
  ['an object of no class', Object.assign(Object.create(null), { a: 1 }), 'an object with the keys a'],
  ['an object whose class has no name', new (class {})(), 'an object without keys'],
  ['an object whose constructor is none', { constructor: { name: 5 } }, 'an object with the keys constructor'],
  ['a list', [1, 2], 'an Array'],
  ['an error', new Error('no'), 'an Error'],
  ['an element', new HTMLHatElement(), 'an HTMLHatElement'],
  ['an instance', new Hat(), 'a Hat'],
  ['an address', new URLSearchParams(), 'a URLSearchParams'],
  ['an event', new Event('x'), 'an Event'],
  ['a map', new Map(), 'a Map'],
  ['an instance of a class with capitals inside', new kAE(), 'a kAE'],
])('%s is described in a few words', (_, value, words) => {
  expect(describeInput(value)).toBe(words);
});

test('long text is cut after 200 characters, a long name after 100', () => {
  expect(describeInput('x'.repeat(200))).toBe(`"${'x'.repeat(200)}"`);
  expect(describeInput('x'.repeat(201))).toBe(`"${'x'.repeat(200)}..."`);
  expect(describeInput({ constructor: { name: 'x'.repeat(101) } })).toBe(`a ${'x'.repeat(100)}`);
});

test('errors that a value throws when it is inspected do not escape', () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const angry = {
    get constructor() {
      throw new Error('hands off');
    },
  };
  for (const value of [proxy, angry]) expect(describeInput(value)).toBe('an object that cannot be inspected');
});

test('without Blob, other values are still described', () => {
  vi.stubGlobal('Blob', undefined);
  expect(describeInput(new Map())).toBe('a Map');
});
