import fc from '../fast-check.js';

/** One change to a sequence of bytes; places are shares of its length, so that they fit any. */
type Change =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'set'; at: number; bytes: number[] }
  | { kind: 'cut'; at: number; length: number }
  | { kind: 'repeat'; at: number; length: number; times: number }
  | { kind: 'insert'; at: number; bytes: number[] }
  | { kind: 'end'; at: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
/** Headers are short and decide most: half of the changes go there. */
const at = fc.oneof(
  place,
  place.map((share) => share * share * share * 0.2),
);
/** Values at the ends of their types, which lengths and sizes break on. */
const word: fc.Arbitrary<number[]> = fc.oneof(
  fc.constantFrom<number[]>(
    [0],
    [0xff],
    [0x80],
    [0x7f],
    [0, 0],
    [0xff, 0xff],
    [0x7f, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0xff, 0xff],
  ),
  fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
);

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('set' as const), at, bytes: word }),
    fc.record({ kind: fc.constant('cut' as const), at, length: fc.nat(64) }),
    fc.record({ kind: fc.constant('repeat' as const), at, length: fc.nat(64), times: fc.nat(20) }),
    fc.record({ kind: fc.constant('insert' as const), at, bytes: word }),
    fc.record({ kind: fc.constant('end' as const), at: place }),
  ),
  { minLength: 1, maxLength: 6 },
);

/** The bytes with the changes made to a copy. */
export function mutate(original: Uint8Array, list: readonly Change[]): Uint8Array {
  let bytes = Buffer.from(original);
  for (const change of list) {
    const k = Math.min(Math.floor(change.at * bytes.length), Math.max(bytes.length - 1, 0));
    if (change.kind === 'flip' && bytes.length > 0) bytes[k] ^= 1 << change.bit;
    else if (change.kind === 'set') Buffer.from(change.bytes).copy(bytes, k);
    else if (change.kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, k), bytes.subarray(k + change.length)]);
    else if (change.kind === 'insert') {
      bytes = Buffer.concat([bytes.subarray(0, k), Buffer.from(change.bytes), bytes.subarray(k)]);
    } else if (change.kind === 'repeat') {
      const part = bytes.subarray(k, k + change.length);
      bytes = Buffer.concat([
        bytes.subarray(0, k),
        ...Array.from({ length: change.times }, () => part),
        bytes.subarray(k),
      ]);
    } else if (change.kind === 'end') bytes = bytes.subarray(0, k) as typeof bytes;
  }
  return new Uint8Array(bytes);
}

/** JSON values that programs trip over. */
export const oddJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '__proto__',
    'constructor',
    '..',
    '../../x',
    [],
    {},
    -1,
    0,
    0.5,
    1e9,
    1e21,
    2 ** 53,
  ),
  fc.constantFrom<unknown>([[]], [null], { __proto__: null, length: 5 }, 'a\nb', '\u0000', 'x'.repeat(5000)),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Puts an odd value at a place of a JSON document, or takes the place out, or adds a key. */
export function mutateJson(
  document: unknown,
  at: number,
  value: unknown,
  how: 'replace' | 'delete' | 'add' | 'pollute',
) {
  const copy = JSON.parse(JSON.stringify(document));
  const places: [Record<string, unknown>, string][] = [];
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      visit((node as Record<string, unknown>)[key]);
    }
  };
  visit(copy);
  const [node, key] = places[Math.min(Math.floor(at * places.length), places.length - 1)];
  if (how === 'delete' && Array.isArray(node)) node.splice(Number(key), 1);
  else if (how === 'delete') delete node[key];
  else if (how === 'replace') node[key] = value;
  else if (how === 'add') node[`${key}2`] = value;
  // As JSON.parse makes it of '{"__proto__": …}': a key of its own.
  else Object.defineProperty(node, '__proto__', { value: { polluted: true }, enumerable: true, configurable: true });
  return copy;
}
