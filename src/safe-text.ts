/**
 * Text that is safe in a terminal, a log, a table or a picture: one line, without control characters. Control characters,
 * line and paragraph separators, bidirectional controls and lone surrogates become question marks.
 */
export function safeText(text: string): string {
  const whole = text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (found) =>
    found.length === 2 ? found : '?',
  );
  return whole.replace(UNSAFE, '?');
}

/** {@link safeText} of each line of a text. */
export function safeLines(text: string): string {
  return text.split('\n').map(safeText).join('\n');
}

/**
 * A value as a cell of CSV (RFC 4180). A text that a spreadsheet would run as a formula gets an apostrophe in front, which marks
 * text in spreadsheets.
 *
 * @example
 * csvCell('=1+1, "two"'); // "'=1+1, ""two"""
 */
export function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = safeText(value).replace(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/, "'$&");
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Characters that have an effect in a terminal or break a document: see {@link safeText}. Written as the complement of the safe
 * characters, without Unicode classes, because Hermes does not support \p{Cc}.
 */
const UNSAFE = /[^ -~\xa0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ufffd]/g;
