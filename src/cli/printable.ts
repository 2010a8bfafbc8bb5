/** Text without control characters: the names of files come from anywhere, and terminals obey some of them. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
