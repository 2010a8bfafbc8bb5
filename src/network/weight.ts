/** A weight of the network, as it is stored. */
export type Weight = Float32Array | CodedWeight;

/** Codes q, which mean q * scale + min. */
export interface CodedWeight {
  codes: Uint8Array | Uint16Array;
  scale: number;
  min: number;
}

/** The numbers of a weight, rounded as in TF.js. */
export function floatsOf(weight: Weight): Float32Array {
  if (!('codes' in weight)) return weight;
  const { codes, scale, min } = weight;
  const values = new Float32Array(codes.length);
  for (let k = 0; k < codes.length; k++) values[k] = codes[k] * scale + min;
  return values;
}
