import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { oneOf, optionsOf, text } from '../options.js';
import { safeLines } from '../safe-text.js';
import type { VegaLiteSpec } from '../tfjs/evaluate/vega-lite-spec.js';

export interface RenderPlotOptions {
  /**
   * Dark on light, or light on dark.
   * @default 'light'
   */
  theme?: 'light' | 'dark';
  /**
   * Background as a CSS colour, such as 'transparent'.
   * @default by theme: '#ffffff' or '#0d1117'
   */
  background?: string;
}

/**
 * Draws a chart as SVG with Vega. Nothing is fetched; the SVG contains no script and no reference to other files.
 *
 * @param spec - The result of `plotHistory`, `plotConfusionMatrix` or `plotCalibration`, or any Vega-Lite chart that
 * contains its data.
 * @returns The text of an SVG document.
 * @throws FerError `OPTION` for an unknown theme, `DATA` for a chart that Vega cannot draw.
 * @example
 * await writeFile('matrix.svg', await renderPlot(plotConfusionMatrix(report), { theme: 'dark' }));
 */
export async function renderPlot(spec: VegaLiteSpec, options: RenderPlotOptions = {}): Promise<string> {
  checkOptions(options);
  const { theme = 'light' } = options;
  const ink = THEMES[theme];
  if (typeof spec !== 'object' || spec === null || 'then' in spec) {
    throw new FerError('DATA', `renderPlot: expected a Vega-Lite specification, got ${describeInput(spec)}`);
  }
  const { vegaSvg } = await import('./vega-svg.js');
  try {
    return safeLines(await vegaSvg(spec, themeConfig({ ...ink, ground: options.background ?? ink.ground })));
  } catch (error) {
    throw new FerError('DATA', `Vega cannot draw this chart: ${reasonOf(error)}`, { cause: error });
  }
}

const checkOptions = optionsOf<RenderPlotOptions>('renderPlot', () => ({
  theme: oneOf('light', 'dark'),
  background: text,
}));

interface Ink {
  ground: string;
  text: string;
  faint: string;
  grid: string;
  series: string[];
  heat: string[];
}

const THEMES: Record<'light' | 'dark', Ink> = {
  light: {
    ground: '#ffffff',
    text: '#1f2328',
    faint: '#6e7781',
    grid: '#e4e8ec',
    series: ['#1f6feb', '#bc4c00'],
    heat: ['#f1f5fb', '#9cc0f0', '#1f5fbf', '#123f86'],
  },
  dark: {
    ground: '#0d1117',
    text: '#e6edf3',
    faint: '#9198a1',
    grid: '#2a313a',
    series: ['#58a6ff', '#f0883e'],
    heat: ['#161d27', '#1c3a63', '#1f5fbf', '#2f7ff0'],
  },
};

function themeConfig({ ground, text, faint, grid, series, heat }: Ink) {
  return {
    background: ground,
    font: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    view: { stroke: 'transparent' },
    axis: {
      labelColor: text,
      titleColor: text,
      gridColor: grid,
      domainColor: faint,
      tickColor: faint,
      titleFontWeight: 'normal',
      labelFontSize: 12,
      titleFontSize: 13,
      titlePadding: 8,
    },
    legend: { labelColor: text, titleColor: text, labelFontSize: 12, symbolStrokeWidth: 2 },
    title: { color: text, anchor: 'start', fontSize: 14 },
    text: { color: text },
    rule: { color: faint },
    style: { rule: { color: faint } },
    line: { strokeWidth: 2, color: series[0] },
    point: { color: series[0], filled: true },
    bar: { color: series[0] },
    range: { category: series, heatmap: heat, ramp: heat },
  };
}
