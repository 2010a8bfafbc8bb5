import fc from 'fast-check';

/**
 * The seed of all generated cases, the same in every run of the tests, so that a change is judged by itself and not by luck.
 * Nights draw a new one: FER_FUZZ_SEED=random, or a number to repeat a run.
 */
const { FER_FUZZ_SEED = '1337' } = process.env;
export const SEED = FER_FUZZ_SEED === 'random' ? Date.now() % 2 ** 31 : Number(FER_FUZZ_SEED);

fc.configureGlobal({ seed: SEED });

const points = (min: number, max: number) => fc.integer({ min, max }).map((point) => String.fromCodePoint(point));

/**
 * A character: any code point but half a pair; one in two is of Latin-1, or of the punctuation and marks from U+2000 on.
 * fast-check's own `unit: 'binary'` takes a second to make its lists.
 */
export const anyCharacter: fc.Arbitrary<string> = fc.oneof(
  points(0, 0xff),
  points(0x2000, 0x20ff),
  points(0, 0xd7ff),
  points(0xe000, 0x10ffff),
);

/** fast-check with that seed: tests import it from here, and the linter holds them to it. Loading it takes 0.1 s. */
export default fc;
