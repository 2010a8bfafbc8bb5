/** Joins the parts into one array. */
export function joined<T extends Float32Array | Uint8Array>(parts: readonly T[], Type: new (length: number) => T): T {
  const whole = new Type(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
