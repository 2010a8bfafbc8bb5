import { compile, type TopLevelSpec } from 'vega-lite';
import { describe, expect, test } from 'vitest';
import { measure } from '../../src/evaluate/metrics.js';
import { plotCalibration } from '../../src/evaluate/plot-calibration.js';
import { plotConfusionMatrix } from '../../src/evaluate/plot-confusion-matrix.js';
import { plotHistory } from '../../src/evaluate/plot-history.js';
import { renderPlot } from '../../src/node/render-plot.js';

const report = measure(
  Float32Array.from([0.8, 0.2, 0.7, 0.3, 0.2, 0.8, 0.4, 0.6]),
  Float32Array.from([1, 0, 1, 0, 1, 0, 0, 1]),
  ['<b>angry', 'happy & "glad"'],
);
const charts = {
  history: plotHistory(
    { loss: [2, 1], accuracy: [0.4, 0.6], valLoss: [2, 1.5], valAccuracy: [0.4, 0.5] },
    { bestEpoch: 2 },
  ),
  counts: plotConfusionMatrix(report),
  shares: plotConfusionMatrix(report, { cells: 'shares' }),
  calibration: plotCalibration(report),
};

/** The texts of an SVG's <text> elements, in order. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe('renderPlot', () => {
  test.each(Object.entries(charts))('%s is a chart that Vega-Lite has no objection to', (_, spec) => {
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
    compile(JSON.parse(JSON.stringify(spec)) as TopLevelSpec, { logger: logger as never });
    expect(warnings).toEqual([]);
  });

  test.each(Object.entries(charts))('%s is drawn alike in both themes, on their grounds', async (_, spec) => {
    const light = await renderPlot(spec);
    const dark = await renderPlot(spec, { theme: 'dark' });
    expect(light).toMatch(/^<svg[^>]*>.*<\/svg>$/s);
    expect(light).toContain('fill="#ffffff"');
    expect(dark).toContain('fill="#0d1117"');
    expect(textsOf(dark)).toEqual(textsOf(light));
    expect(light).not.toMatch(/NaN|undefined|<script|<image|(?:href|src)="http/);
  });

  test('a matrix says its counts, or its shares of each row', async () => {
    expect(textsOf(await renderPlot(charts.counts))).toEqual(expect.arrayContaining(['2', '1', '0', 'truth']));
    expect(textsOf(await renderPlot(charts.shares))).toEqual(
      expect.arrayContaining(['66.7%', '33.3%', '0.0%', '100.0%']),
    );
  });

  test('names of classes are escaped', async () => {
    const svg = await renderPlot(charts.counts);
    expect(svg).not.toContain('<b>');
    expect(textsOf(svg)).toContain('&lt;b&gt;angry');
  });

  test('an unknown theme and a chart that cannot be drawn are refused', async () => {
    await expect(renderPlot(charts.counts, { theme: 'blue' as 'dark' })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(renderPlot({ ...charts.counts, layer: 7 })).rejects.toMatchObject({ code: 'DATA' });
  });
});
