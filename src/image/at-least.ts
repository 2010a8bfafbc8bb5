/**
 * Returns the array, or a new larger one if it is too small: for buffers that calls reuse. Nothing is copied.
 *
 * @example
 * sums = atLeast(sums, rows * columns);
 */
export function atLeast<T extends Int32Array | Float32Array | Float64Array>(array: T, length: number): T {
  return array.length >= length ? array : new (array.constructor as new (length: number) => T)(length);
}
