/** Whether all numbers are finite: no NaN, no infinity. */
export function allFinite(values: ArrayLike<number>): boolean {
  // Zero times NaN or infinity is NaN, and a sum with NaN stays NaN: this needs no branch per number.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i];
  return sum === 0;
}
