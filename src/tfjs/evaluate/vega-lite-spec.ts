import { number } from '../../options.js';

/**
 * A chart as a Vega-Lite specification: plain JSON, data included. `vegaEmbed(element, spec)` draws it in a page,
 * `renderPlot` of `fer-dcnn/node` as an SVG string; the Vega editor and Jupyter also accept it.
 *
 * @see https://vega.github.io/vega-lite/
 */
export interface VegaLiteSpec {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json';
  title?: string;
  /** Text alternative of the chart: the SVG's `aria-label`. */
  description: string;
  [field: string]: unknown;
}

/** The Vega-Lite version of the charts. */
export const VEGA_LITE = 'https://vega.github.io/schema/vega-lite/v6.json';

/** Rule for a chart's width and height. */
export const pixels = number('a number of pixels above 0', (value) => value > 0 && Number.isFinite(value));
