import { compile, type TopLevelSpec } from 'vega-lite';
import { describe, expect, test } from 'vitest';
import { renderPlot } from '../../src/report/render-plot.js';
import { measure } from '../../src/tfjs/evaluate/metrics.js';
import { plotCalibration } from '../../src/tfjs/evaluate/plot-calibration.js';
import { plotConfusionMatrix } from '../../src/tfjs/evaluate/plot-confusion-matrix.js';
import { plotHistory } from '../../src/tfjs/train/plot-history.js';

const report = measure(
  Float32Array.from([0.8, 0.2, 0.7, 0.3, 0.2, 0.8, 0.4, 0.6]),
  Float32Array.from([1, 0, 1, 0, 1, 0, 0, 1]),
  ['<b>angry', 'happy & "glad"'],
);
// Made in each test: mutation tests know by that which of them a mutant needs.
const charts = {
  history: () =>
    plotHistory({ loss: [2, 1], accuracy: [0.4, 0.6], valLoss: [2, 1.5], valAccuracy: [0.4, 0.5] }, { bestEpoch: 2 }),
  counts: () => plotConfusionMatrix(report),
  shares: () => plotConfusionMatrix(report, { cells: 'shares' }),
  calibration: () => plotCalibration(report),
};

/** The texts of an SVG's <text> elements, in order. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

/** What an SVG draws: the names that readers of screens hear, each with its element. */
const drawnBy = (svg: string) =>
  [...svg.matchAll(/<[^>]*aria-label="([^"]*)"[^>]*>/g)].map(([element, label]) => ({ element, label }));
const called = (svg: string, label: string) =>
  drawnBy(svg)
    .filter((drawn) => drawn.label === label)
    .map(({ element }) => element)
    .join('\n');

describe('labels of charts', () => {
  test.each([
    [0.36, 0.37],
    [0.362, 0.3625],
    [0.1, 0.9],
    [0.5, 0.5],
  ])('no two labels of the accuracy axis are equal, from %d to %d', async (first, last) => {
    const svg = await renderPlot(plotHistory({ loss: [2, 1.9], accuracy: [first, last] }));
    const shares = textsOf(svg).filter((text) => text.endsWith('%'));
    expect(shares.length).toBeGreaterThan(0);
    expect(new Set(shares).size).toBe(shares.length);
  });

  test('forty names that differ only at the end are distinguishable in both directions', async () => {
    const classes = Array.from({ length: 40 }, (_, c) => ({ className: `a rather long name of a class, number ${c}` }));
    const confusionMatrix = classes.map((_, row) => classes.map((_, column) => (row === column ? 120 : 1)));
    const texts = textsOf(await renderPlot(plotConfusionMatrix({ classes, confusionMatrix }, { size: 880 })));
    const names = texts.filter((text) => text.startsWith('a rather'));
    expect(names).toHaveLength(80);
    expect(new Set(names).size).toBe(40);
    expect(names[0]).toMatch(/^a rather lo….*number 0$/);
  });

  test('small cells show whole percentages, and nothing below 0.5%', async () => {
    const classes = Array.from({ length: 20 }, (_, c) => ({ className: `class ${c}` }));
    const confusionMatrix = classes.map((_, row) =>
      classes.map((_, column) => (row === column ? 996 : column < 1 ? 4 : 0)),
    );
    const svg = await renderPlot(plotConfusionMatrix({ classes, confusionMatrix }, { cells: 'shares', size: 440 }));
    const visible = [...svg.matchAll(/<text[^>]*font-size="9px"[^>]*?(opacity="0")?[^>]*>(\d+)<\/text>/g)];
    expect(visible.filter(([element]) => !element.includes('opacity="0"')).map(([, , text]) => text)).toEqual(
      Array(20).fill('100'),
    );
  });
});

describe('renderPlot', () => {
  test.each(Object.entries(charts))('%s is a chart that Vega-Lite has no objection to', (_, chart) => {
    const warnings: unknown[] = [];
    const note = (...args: readonly unknown[]) => {
      warnings.push(...args);
      return logger;
    };
    const logger: Record<string, unknown> = {
      warn: note,
      error: note,
      info: () => logger,
      debug: () => logger,
      level: () => logger,
    };
    compile(JSON.parse(JSON.stringify(chart())) as TopLevelSpec, { logger: logger as never });
    expect(warnings).toEqual([]);
  });

  test.each(Object.entries(charts))('%s is drawn alike in both themes, on their grounds', async (_, chart) => {
    const light = await renderPlot(chart());
    const dark = await renderPlot(chart(), { theme: 'dark' });
    expect(light).toMatch(/^<svg[^>]*>.*<\/svg>$/s);
    expect(light).toContain('fill="#ffffff"');
    expect(dark).toContain('fill="#0d1117"');
    expect(textsOf(dark)).toEqual(textsOf(light));
    expect(light).not.toMatch(/NaN|undefined|<script|<image|(?:href|src)="http/);
  });

  test('writes counts, or shares of each row, into a matrix', async () => {
    expect(textsOf(await renderPlot(charts.counts()))).toEqual(expect.arrayContaining(['2', '1', '0', 'truth']));
    expect(textsOf(await renderPlot(charts.shares()))).toEqual(
      expect.arrayContaining(['66.7%', '33.3%', '0.0%', '100.0%']),
    );
  });

  test('draws a line for each set, and one at the epoch that was kept', async () => {
    const svg = await renderPlot(charts.history());
    const texts = textsOf(svg);
    // One legend for both charts, and whole epochs on both axes.
    expect(texts.filter((text) => text === 'training' || text === 'validation')).toEqual(['training', 'validation']);
    expect(texts.filter((text) => text === 'epoch (kept: 2)')).toHaveLength(2);
    expect(texts).toEqual(expect.arrayContaining(['loss', 'accuracy', '40%', '60%']));
    // 300 x 220 pixels: the losses fall from 2 to 1, all of the height, and to 1.5, half of it.
    expect(called(svg, 'epoch (kept: 2): 1; loss: 2; set: training')).toContain('d="M0,0L300,220"');
    expect(called(svg, 'epoch (kept: 2): 1; loss: 2; set: validation')).toContain('d="M0,0L300,110"');
    expect(called(svg, 'epoch (kept: 2): 2; accuracy: 50%; set: validation')).toContain('translate(300,110)');
    expect(called(svg, 'epoch: 2').match(/translate\(300,0\)[^>]*stroke-dasharray="4,4"/g)).toHaveLength(2);
  });

  test('the two sets also differ by their dashes, for readers who cannot distinguish colours', async () => {
    const svg = await renderPlot(charts.history());
    const dashes = (set: string) => {
      const lines = drawnBy(svg).filter(({ label, element }) => label.endsWith(set) && element.includes('line mark'));
      return lines.map(({ element }) => /stroke-dasharray="([^"]*)"/.exec(element)?.[1]);
    };
    expect(new Set([...dashes('training'), ...dashes('validation')]).size).toBe(2);
    expect(new Set(dashes('validation')).size).toBe(1);
  });

  test('draws the bins of a reliability diagram at their places, over a dashed diagonal of another colour', async () => {
    const bins = [
      { low: 0.9, high: 1, count: 8, confidence: 0.95, accuracy: 1 },
      { low: 0.5, high: 0.6, count: 4, confidence: 0.55, accuracy: 0.25 },
      { low: 0.6, high: 0.7, count: 0, confidence: 0, accuracy: 0 },
    ];
    const svg = await renderPlot(plotCalibration({ calibration: bins }));
    const diagonal = called(svg, 'confidence: 0%; share right: 0%');
    expect(diagonal).toMatch(/d="M0,300L300,0".*stroke-dasharray="4,4"/);
    // 300 pixels from left to right and from below to above: 55% and 95%, 25% and 100% of them.
    const line = called(svg, 'confidence: 55%; accuracy: 25%');
    expect(line).toContain('d="M165,225L285,0"');
    expect(line).toContain('translate(165,225)');
    const strokeOf = (element: string) => /stroke="([^"]*)"/.exec(element)?.[1];
    expect(strokeOf(diagonal)).not.toBe(strokeOf(line));
    const bars = drawnBy(svg).filter(({ label }) => label.includes('samples: '));
    expect(bars.map(({ label }) => label)).toEqual([
      'top probability: 90% \u2013 100%; samples: 8',
      'top probability: 50% \u2013 60%; samples: 4',
    ]);
    // 75 pixels for 8 samples, half of them for 4.
    expect(bars.map(({ element }) => /d="M[\d.]+,([\d.]+)h/.exec(element)?.[1])).toEqual(['0', '37.5']);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['share right', 'samples', '0%', '100%']));
  });

  test('a matrix writes white on its dark cells, and has the first class at the top left', async () => {
    const classes = [{ className: 'z' }, { className: 'a' }];
    const matrix = [
      [3, 1],
      [0, 2],
    ];
    const svg = await renderPlot(plotConfusionMatrix({ classes, confusionMatrix: matrix }));
    const cell = (truth: string, said: string, count: number) =>
      called(svg, `model says: ${said}; truth: ${truth}; count: ${count}`);
    expect(cell('z', 'z', 3)).toContain('fill="white"');
    expect(cell('a', 'a', 2)).toContain('fill="white"');
    expect(cell('z', 'a', 1)).not.toContain('fill="white"');
    expect(cell('a', 'z', 0)).not.toContain('fill="white"');
    const placeOf = (element: string) => /translate\(([\d.]+),([\d.]+)\)/.exec(element)!.slice(1).map(Number);
    const [left, top] = placeOf(cell('z', 'z', 3));
    const [right, bottom] = placeOf(cell('a', 'a', 2));
    expect(right - left).toBe(150);
    expect(bottom - top).toBe(150);
    expect(placeOf(cell('z', 'a', 1))).toEqual([right, top]);
  });

  test('names of classes are escaped', async () => {
    const svg = await renderPlot(charts.counts());
    expect(svg).not.toContain('<b>');
    expect(textsOf(svg)).toContain('&lt;b&gt;angry');
  });

  test('an unknown theme and a chart that cannot be drawn are refused', async () => {
    await expect(renderPlot(charts.counts(), { theme: 'blue' as 'dark' })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(renderPlot({ ...charts.counts(), layer: 7 })).rejects.toMatchObject({ code: 'DATA' });
  });
});
