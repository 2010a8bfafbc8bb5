/** Twenty-four pictures of five classes, always the same: enough to train on for a moment. */
export function smallFaces() {
  return Array.from({ length: 24 }, (_, i) => ({
    image: {
      data: Uint8Array.from({ length: 1024 }, (_, k) => (k * (i + 3) * 37 + ((k >> 5) % (1 + (i % 5))) * 50) % 256),
      width: 32,
      height: 32,
      channels: 1 as const,
    },
    label: i % 5,
  }));
}
