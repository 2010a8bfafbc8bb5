/** A text as a cell of CSV, after RFC 4180: a class may have any name. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
