/** Whether there is neither NaN nor infinity among some numbers. */
export function allFinite(values: ArrayLike<number>): boolean {
  // Zero times what is not finite is NaN, and NaN stays: no branch a number.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i];
  return sum === 0;
}
