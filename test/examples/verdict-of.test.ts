import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../examples/teach/src/verdict-of.js';

const NAMES = ['happy', 'sad', 'neutral'];

describe('verdictOf', () => {
  test('states the improvement when there is no warning', () => {
    const before = report([5, 5, 0], [3, 7, 0], [0, 0, 0]);
    const after = report([9, 1, 0], [1, 9, 0], [0, 0, 0]);
    expect(verdictOf(before, after)).toEqual({
      text: 'It now gets 18 of the 20 faces kept aside (90%) right; before it was 12 (60%).',
      warnings: [],
    });
  });

  test('warns when every face gets the same answer, although the figure is better', () => {
    const before = report([2, 0, 0], [9, 2, 6], [0, 0, 0]);
    const after = report([0, 2, 0], [0, 17, 0], [0, 0, 0]);
    const { text, warnings } = verdictOf(before, after);
    expect(text).toBe('Look closer: it now gets 17 of the 19 faces kept aside (89%) right; before it was 4 (21%).');
    expect(warnings).toEqual([expect.stringMatching(/^It finds “happy” in only 0 of 2 faces, 2 before\./)]);

    const even = verdictOf(null, report([0, 10, 0], [0, 10, 0], [0, 0, 0]));
    expect(even.warnings).toContainEqual(expect.stringMatching(/^It says “sad” for 20 of 20 faces/));
  });

  test('names two classes that are confused with each other', () => {
    const { warnings } = verdictOf(null, report([5, 5, 0], [4, 6, 0], [0, 0, 10]));
    expect(warnings).toEqual(['It confuses “happy” and “sad”: their faces look alike to it.']);
  });

  test('says when the model got worse, and when there are few faces to measure', () => {
    expect(verdictOf(report([9, 1, 0], [1, 9, 0], [0, 0, 0]), report([8, 2, 0], [1, 9, 0], [0, 0, 0])).text).toMatch(
      /^It got worse: it now gets 17 of the 20/,
    );
    expect(verdictOf(null, report([2, 0, 0], [0, 2, 0], [0, 0, 0])).warnings).toEqual([
      'Only 4 faces were kept aside: each of them changes the figure by 25%.',
    ]);
  });
});

function report(...confusionMatrix: number[][]) {
  const supports = confusionMatrix.map((row) => row.reduce((sum, one) => sum + one));
  const count = supports.reduce((sum, one) => sum + one);
  const right = confusionMatrix.reduce((sum, row, i) => sum + row[i], 0);
  const classes = NAMES.map((className, i) => ({ className, support: supports[i] }));
  return { count, accuracy: right / count, confusionMatrix, classes };
}
