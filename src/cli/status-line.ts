/*
 * All writing to standard error goes through this file. A status line, such as a progress bar, stays at the bottom and is
 * redrawn; messages go above it and stay.
 */

/** Prints permanent text on standard error, above the status line, if one is shown. */
export function tell(text: string): void {
  if (text === '') return;
  const line = shown;
  showStatus(null);
  process.stderr.write(text);
  showStatus(line);
}

/** Shows a line at the bottom of the terminal instead of the last one; `null` removes it. */
export function showStatus(line: string | null): void {
  if (line === null && shown === null) return;
  shown = line;
  // Go to the first column and delete the rest of the line; the cursor and line wrapping keep their settings.
  process.stderr.write(line === null ? '\r\u001b[K' : `\r\u001b[K${fitted(line, (process.stderr.columns || 80) - 1)}`);
}

let shown: string | null = null;

/** Cuts a line to a number of columns: a line that wraps could not be erased. */
function fitted(line: string, columns: number): string {
  let width = 0;
  let text = '';
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    width += WIDE.test(segment) ? 2 : 1;
    if (width > columns) break;
    text += segment;
  }
  return text;
}

/** Characters that terminals may show in two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{3ffff}]/u;
