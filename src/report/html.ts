import { safeLines } from '../safe-text.js';

/** A piece of HTML that is safe to put into a page unchanged. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * HTML from a template: all values are escaped, except other pieces of {@link Html} and lists of them.
 *
 * @example
 * html`<p title="${fileName}">${rows.map((row) => html`<b>${row}</b>`)}</p>`.text
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings.reduce((text, part, i) => text + textOf(values[i - 1]) + part));
}

export type HtmlValue = Html | string | number | readonly Html[] | undefined;

function textOf(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map((piece: Html) => piece.text).join('');
  return safeLines(String(value)).replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
