/**
 * Rounds float32 values to float16, to the nearest, ties to even (IEEE 754, binary16).
 *
 * @returns The bits of each; values above 65504 become infinite.
 */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word) => {
    const sign = (word >>> 16) & 0x8000;
    const exponent = ((word >>> 23) & 0xff) - 112;
    const fraction = word & 0x7fffff;
    if (exponent === 143) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
    if (exponent >= 31) return sign | 0x7c00;
    if (exponent <= 0) {
      // Below the smallest normal number: the leading one becomes part of the fraction.
      if (exponent < -10) return sign;
      return sign | roundedShift(fraction | 0x800000, 14 - exponent);
    }
    // A carry out of the fraction correctly raises the exponent.
    return sign | ((exponent << 10) + roundedShift(fraction, 13));
  });
}

/** Float16 bits as float32 values, exactly. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** value / 2^shift, rounded to nearest, ties to even. */
function roundedShift(value: number, shift: number): number {
  const quotient = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}
