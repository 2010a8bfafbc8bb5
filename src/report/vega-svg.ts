import { Error as ERROR_LEVEL, parse, View } from 'vega';
import { type Config, compile, type TopLevelSpec } from 'vega-lite';

/** Compiles and draws a Vega-Lite chart as SVG. A separate file, which is built with Vega inside and loaded on demand. */
export async function vegaSvg(spec: object, config: object): Promise<string> {
  const { spec: vega } = compile(spec as TopLevelSpec, { config: config as Config });
  const view = new View(parse(vega), { renderer: 'none', logLevel: ERROR_LEVEL });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
