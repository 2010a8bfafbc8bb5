import fc from 'fast-check';

/**
 * The seed of all generated cases, the same in every run of the tests, so that a change is judged by itself and not by luck.
 * Nights draw a new one: FER_FUZZ_SEED=random, or a number to repeat a run.
 */
const { FER_FUZZ_SEED = '1337' } = process.env;
export const SEED = FER_FUZZ_SEED === 'random' ? Date.now() % 2 ** 31 : Number(FER_FUZZ_SEED);

fc.configureGlobal({ seed: SEED });

/** fast-check with that seed: tests import it from here, and the linter holds them to it. Loading it takes 0.1 s. */
export default fc;
