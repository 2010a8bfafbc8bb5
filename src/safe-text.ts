/**
 * Text as a terminal, a log, a table or a picture may hold it: one line, without characters that they obey. Control characters,
 * line and paragraph separators, changes of the direction of writing and halves of characters become question marks.
 */
export function safeText(text: string): string {
  return text.replace(UNSAFE, '?');
}

/** {@link safeText} of each line of a text. */
export function safeLines(text: string): string {
  return text.split('\n').map(safeText).join('\n');
}

/**
 * A value as a cell of CSV, after RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front, by
 * which spreadsheets know a text.
 *
 * @example
 * csvCell('=1+1, "two"'); // "'=1+1, ""two"""
 */
export function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = safeText(value).replace(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/, "'$&");
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether a character does something in a terminal or breaks a document: see {@link safeText}. */
export const UNSAFE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;
