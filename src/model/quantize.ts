import { FerError } from '../errors.js';

/** How a weight is stored: `none` is float32; the integers are affine, one scale and minimum a tensor. */
export type Quantization = 'none' | 'uint8' | 'uint16';

/** A weight as stored, in the words of TF.js's weights manifest. */
export interface QuantizedWeight {
  bytes: Uint8Array;
  /** Absent for float32. A stored q stands for q * scale + min. */
  quantization?: { dtype: 'uint8' | 'uint16'; scale: number; min: number; original_dtype: 'float32' };
}

/**
 * Stores float32 values in 1, 2 or 4 bytes each: q = round((w - min) / scale), with scale = (max - min) / levels and
 * min moved to the nearest multiple of scale so that zero stays exactly zero (Jacob et al., 2018, section 2.1).
 *
 * @param values - Weights of one tensor, any length.
 * @returns Little-endian bytes and, for the integers, how to read them.
 * @throws FerError `NOT_FINITE` when a weight is NaN or infinite.
 */
export function quantize(values: Float32Array, to: Quantization): QuantizedWeight {
  let low = 0;
  let high = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) throw new FerError('NOT_FINITE', `a weight is ${value}: it cannot be saved`);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (to === 'none' || low === high) return { bytes: littleEndian(values) };

  const levels = to === 'uint8' ? 255 : 65535;
  const scale = (high - low) / levels;
  const zero = Math.round(-low / scale);
  const min = -zero * scale;
  const stored = to === 'uint8' ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    stored[i] = Math.min(levels, Math.max(0, Math.round(values[i] / scale) + zero));
  }
  return { bytes: littleEndian(stored), quantization: { dtype: to, scale, min, original_dtype: 'float32' } };
}

// --- below this line: helpers of this file alone ---

// The platforms that run WebAssembly with TF.js are all little-endian, as is TF.js's weights format.
function littleEndian(values: Float32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}
