import { describe, expect, test } from 'vitest';
import { csvWriter } from '../src/cli/prediction-table.js';
import { errorLine } from '../src/cli/report-error.js';
import { FerError } from '../src/errors.js';
import { html } from '../src/report/html.js';
import { renderPlot } from '../src/report/render-plot.js';
import { csvCell, safeText } from '../src/safe-text.js';
import { measure } from '../src/tfjs/evaluate/metrics.js';
import { plotConfusionMatrix } from '../src/tfjs/evaluate/plot-confusion-matrix.js';
import fc, { anyCharacter } from './fast-check.js';

/** ESC, BEL, C1's CSI, line separator, right-to-left override, half a character. */
const HOSTILE = 'a\u001b[2Jb\u0007c\u009bd\u2028e\u202ef\ud800g';
const TAMED = 'a?[2Jb?c?d?e?f?g';
/** What no terminal, table or picture may hold; written by hand, not taken from the source. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

test('safeText keeps letters of any script, and removes control characters', () => {
  expect(safeText(HOSTILE)).toBe(TAMED);
  expect(safeText('zoë 笑顔 😀 \\ "')).toBe('zoë 笑顔 😀 \\ "');
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      expect(OBEYED.test(safeText(text))).toBe(false);
      expect(safeText(text)).toHaveLength(text.length);
    }),
  );
});

describe('csvCell', () => {
  test.each([
    ['=cmd|"/c calc"!A1', '"\'=cmd|""/c calc""!A1"'],
    ['+1', "'+1"],
    ['-x.jpg', "'-x.jpg"],
    ['@SUM(1)', "'@SUM(1)"],
    ['\uff1d1', "'\uff1d1"],
    ['\t=1', '?=1'],
    ['a=b.jpg', 'a=b.jpg'],
    ['a,b', '"a,b"'],
    ['two\nlines', 'two?lines'],
    [-0.5, '-0.5'],
  ])('%j is %j', (value, cell) => expect(csvCell(value)).toBe(cell));
});

test('names of files and classes are made safe in every output', async () => {
  const prediction = { className: 'happy' as const, probability: 1 };
  const row = csvWriter(false).write({ file: `=${HOSTILE}`, predictions: [prediction] });
  expect(row).toBe(`'=${TAMED},0,1,0,0,0,\r\n`);
  expect(errorLine(new FerError('DECODE', `${HOSTILE} is text`))).not.toMatch(OBEYED);
  expect(new FerError('DECODE', 'a\u001bb\u2028c').message).not.toMatch(OBEYED);
  expect(html`<b title="${HOSTILE}">${HOSTILE}</b>`.text).toBe(`<b title="${TAMED}">${TAMED}</b>`);
  const report = measure(Float32Array.from([0.9, 0.1, 0.2, 0.8]), Float32Array.from([1, 0, 0, 1]), [HOSTILE, 'b']);
  const svg = await renderPlot(plotConfusionMatrix(report));
  expect(svg).not.toMatch(OBEYED);
  expect(svg).toContain(TAMED);
});

test('classes can have the names of properties of every object', async () => {
  const names = ['constructor', '__proto__', 'toString'];
  const ones = Float32Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const report = measure(ones, ones, names);
  expect(report.classes.map(({ className, recall }) => [className, recall])).toEqual(names.map((name) => [name, 1]));
  const svg = await renderPlot(plotConfusionMatrix(report));
  // Columns and rows in the order of the classes, which is not that of the alphabet.
  const labels = [...svg.matchAll(/>(constructor|__proto__|toString)</g)].map(([, name]) => name);
  expect(labels).toEqual([...names, ...names]);
  await expect(renderPlot(plotConfusionMatrix(report), { theme: 'constructor' as 'light' })).rejects.toMatchObject({
    code: 'OPTION',
  });
});
