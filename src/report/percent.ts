/** A share as text: 0.123 is `12.3%`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
