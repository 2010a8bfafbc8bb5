import { FerError } from '../../errors.js';
import { toFloat16 } from '../../float16.js';
import { oneOf } from '../../options.js';

/** How weights are stored: `none` is float32; integers are affine, with one scale and minimum per tensor. */
export type Quantization = 'none' | 'uint8' | 'uint16' | 'float16';

/** Rule for the option `quantize`. */
export const quantizationRule = oneOf('none', 'uint8', 'uint16', 'float16');

/** A stored weight, with the field names of TF.js's weights manifest. */
export interface QuantizedWeight {
  bytes: Uint8Array;
  /** Absent for float32. A stored q stands for q * scale + min. */
  quantization?:
    | { dtype: 'uint8' | 'uint16'; scale: number; min: number; original_dtype: 'float32' }
    | { dtype: 'float16'; scale?: undefined; min?: undefined; original_dtype: 'float32' };
}

/**
 * Stores float32 values in 1, 2 or 4 bytes each; as integers q = round((w - min) / scale), with scale = (max - min) / levels and
 * min moved to the nearest multiple of scale so that zero stays exactly zero (Jacob et al., 2018, section 2.1). Values that
 * are already on such a scale, from an earlier save, keep it, so that saving again loses nothing.
 *
 * @param values - Weights of one tensor, any length.
 * @param leastScale - Lower limit of the scale. A coarser scale leaves codes unused at both ends: the same number of bytes, but
 * fewer after compression.
 * @returns Little-endian bytes and, for the integers, how to read them.
 * @throws FerError `NOT_FINITE` when a weight is NaN or infinite, or too large for float16.
 */
export function quantize(values: Float32Array, to: Quantization, leastScale = 0): QuantizedWeight {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) throw new FerError('NOT_FINITE', `a weight is ${value}: it cannot be saved`);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (to === 'none' || low === high) return { bytes: littleEndian(values) };

  if (to === 'float16') {
    const most = Math.max(-low, high);
    if (most > LARGEST_FLOAT16) throw new FerError('NOT_FINITE', `a weight is ${most}: too large for float16`);
    return { bytes: littleEndian(toFloat16(values)), quantization: { dtype: 'float16', original_dtype: 'float32' } };
  }

  const levels = to === 'uint8' ? 255 : 65535;
  const before = scaleOf(values, levels);
  const scale = before !== null && before >= leastScale ? before : Math.max((high - low) / levels, leastScale);
  const zero = Math.round(-low / scale);
  const min = -zero * scale;
  const stored = to === 'uint8' ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    stored[i] = Math.min(levels, Math.max(0, Math.round(values[i] / scale) + zero));
  }
  return { bytes: littleEndian(stored), quantization: { dtype: to, scale, min, original_dtype: 'float32' } };
}

const LARGEST_FLOAT16 = 65504;

/**
 * The scale for which all values are whole multiples, with at most `levels` steps between the smallest and the largest. Null if no
 * such scale exists, or if there are too few values to rule out chance.
 */
function scaleOf(values: Float32Array, levels: number): number | null {
  const distinct = new Set<number>();
  for (const value of values) {
    distinct.add(value);
    if (distinct.size > levels + 1) return null;
  }
  const sorted = Float64Array.from(distinct).sort();
  const range = sorted[sorted.length - 1] - sorted[0];
  let gap = range;
  for (let i = 1; i < sorted.length; i++) gap = Math.min(gap, sorted[i] - sorted[i - 1]);
  const steps = Math.round(range / gap);
  if (steps < 16 || steps > levels) return null;
  // Over the whole range, float32 rounding must not matter; each value may differ only by its rounding.
  const scale = range / steps;
  const rounding = Math.max(-sorted[0], sorted[sorted.length - 1]) * 2 ** -22;
  return sorted.every((value) => Math.abs(value - Math.round(value / scale) * scale) <= rounding) ? scale : null;
}

// The platforms that run WebAssembly with TF.js are all little-endian, as is TF.js's weights format.
function littleEndian(values: Float32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}
