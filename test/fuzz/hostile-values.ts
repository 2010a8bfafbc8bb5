import fc from '../fast-check.js';

/** Numbers that sizes, places and limits break on. */
export const oddNumber: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    -0,
    1,
    -1,
    2,
    31,
    32,
    33,
    0.5,
    1e-300,
    5e-324,
    1e9,
    1e21,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 31),
  ),
  fc.constantFrom<unknown>(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    10n,
    '32',
    null,
    undefined,
    [],
    {},
  ),
  fc.constantFrom<unknown>(Symbol('size'), true, () => 3, { valueOf: () => 32 }),
  fc.double(),
  fc.integer({ min: -100, max: 100 }),
);

/**
 * Values that are not images, though some look like one. They are made when they are used, because reports of fast-check cannot look into
 * some of them either.
 */
export const oddInput: fc.Arbitrary<() => unknown> = fc.oneof(
  fc
    .oneof<fc.Arbitrary<unknown>[]>(
      fc.constantFrom<unknown>(
        null,
        undefined,
        0,
        Number.NaN,
        10n,
        true,
        '',
        ' ',
        '.',
        '..',
        '/',
        '\0',
        'a\nb.jpg',
        'x'.repeat(10_000),
      ),
      fc.constantFrom<unknown>(
        Symbol('image'),
        () => 1,
        class Image {},
        [],
        [[]],
        [null],
        new Map(),
        new Date(Number.NaN),
        /x/,
      ),
      fc.constantFrom<unknown>(
        'data:image/png;base64,AAAA',
        'file:///nowhere\0',
        'file://host/x',
        'http://[',
        'javascript:1',
        'C:\\x',
      ),
      fc.constantFrom('\x1b[2J.png', 'CON', '%00', 'file:///%00', `${'../'.repeat(200)}etc/passwd`, '/dev/null'),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 40 }),
    )
    .map(told),
  fc.constantFrom<() => unknown>(
    () => new SharedArrayBuffer(64),
    () => new Uint8Array(new SharedArrayBuffer(64)),
    () => detached(new Uint8Array(64)),
    () => detached(new Uint8Array(64)).buffer,
    () => new DataView(new ArrayBuffer(5)),
    () => new Float64Array(4),
    () => new Blob([]),
    () => new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>']),
    () => new Proxy({}, { get: () => throws() }),
    () => new Proxy({}, { has: () => throws() }),
    () => new Proxy({}, { getPrototypeOf: () => throws() }),
    () => new Proxy([], { get: () => throws() }),
    () => Object.defineProperty({}, 'shape', { get: throws }),
    () => Object.defineProperty({ width: 1, height: 1 }, 'data', { get: throws }),
    () => Object.create(null),
    () => ({ constructor: null }),
    () => ({ constructor: { name: { toString: throws } } }),
    () => ({ toString: throws, [Symbol.toPrimitive]: throws }),
    () => Object.defineProperty({}, Symbol.toStringTag, { get: throws }),
    () => ({ shape: [1, 1, 1], dtype: 'float32', data: () => throws() }),
    () => ({ shape: [1, 1, 1], dtype: 'float32', data: async () => undefined }),
    () => ({ shape: [1, 1, 1], dtype: 'float32', data: async () => new Float32Array(7) }),
    () => ({ shape: [Number.NaN, 1, 1], dtype: 'float32', data: async () => new Float32Array(7) }),
    () => ({ shape: [1.5, 1, 1], dtype: 'int32', data: async () => new Int32Array(1) }),
    () => revoked(),
  ),
);

/** Pixels whose sizes need not fit. */
export const oddPixels: fc.Arbitrary<() => unknown> = fc
  .oneof<fc.Arbitrary<unknown>[]>(
    fc.record(
      {
        data: fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.uint8ClampedArray({ maxLength: 200 }),
          fc.array(fc.nat(255)),
          oddNumber,
        ),
        width: oddNumber,
        height: oddNumber,
        channels: oddNumber,
      },
      { requiredKeys: ['data', 'width', 'height'] },
    ),
    fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 3, 4), fc.nat(255))
      .map(([width, height, channels, level]) => ({
        data: new Uint8Array(width * height * channels).fill(level),
        width,
        height,
        channels,
      })),
  )
  .map(told);

/** Options of `preprocess` and `classify`: each may be anything. */
/** So that most cases come to what else is odd about them. */
const seldom = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined, freq: 1 });

export const oddOptions: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    box: fc.oneof(
      fc.record(
        { x: oddNumber, y: oddNumber, width: oddNumber, height: oddNumber, angle: oddNumber },
        { requiredKeys: [] },
      ),
      oddNumber,
    ),
    maxPixels: oddNumber,
    maxBytes: seldom(oddNumber),
    maxFrames: seldom(oddNumber),
    maxMilliseconds: seldom(oddNumber),
    normalization: fc.constantFrom<unknown>(
      'unit',
      'standardize',
      'localContrast',
      'none',
      Symbol('n'),
      1,
      {},
      '__proto__',
    ),
    channels: fc.oneof(fc.constantFrom<unknown>(1, 3), oddNumber),
    topk: fc.oneof(fc.constantFrom<unknown>(1, 5), oddNumber),
    size: fc.oneof(fc.constantFrom<unknown>(32, 48), oddNumber),
  },
  { requiredKeys: [] },
);

/** Gives the value, and its text to fast-check's reports. */
function told(value: unknown): () => unknown {
  return Object.assign(() => value, { [fc.toStringMethod]: () => fc.stringify(value) });
}

function throws(): never {
  throw new RangeError('thrown by a getter');
}

function detached(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
