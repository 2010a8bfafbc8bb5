/** A valid progressive grey JPEG of `width` x `width` zeros, in as many scans as asked for, 882 at most. */
export function progressiveJpeg(width: number, scans: number): Buffer {
  const blocks = Math.ceil(width / 8) ** 2;
  const head = [
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...Array(64).fill(1)]),
    segment(0xc2, [8, width >> 8, width & 255, width >> 8, width & 255, 1, 1, 0x11, 0]),
    // One code of one bit for DC: no difference; one for AC: an end of band for up to 32,767 blocks.
    segment(0xc4, [0x00, 1, ...Array(15).fill(0), 0]),
    segment(0xc4, [0x10, 1, ...Array(15).fill(0), 0xe0]),
    segment(0xda, [1, 1, 0, 0, 0, 0]),
    entropyCoded('0'.repeat(blocks)),
  ];
  const data = entropyCoded(endsOfBand(blocks));
  const parts: Buffer[] = [];
  for (let k = 1; k < 64; k++) {
    for (let low = 13; low >= 0 && parts.length < 2 * scans; low--) {
      parts.push(segment(0xda, [1, 1, 0, k, k, ((low === 13 ? 0 : low + 1) << 4) | low]), data);
    }
  }
  return Buffer.concat([...head, ...parts, Buffer.from([0xff, 0xd9])]);
}

function segment(marker: number, content: number[]): Buffer {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content]);
}

function endsOfBand(blocks: number): string {
  const runs: number[] = [];
  for (let left = blocks; left > 0; left -= runs.at(-1) as number) {
    // No run of less than 16,384, which would need a code of its own.
    runs.push(left > 32_767 && left < 32_767 + 16_384 ? left >> 1 : Math.min(left, 32_767));
  }
  return runs.map((run) => `0${(run - 16_384).toString(2).padStart(14, '0')}`).join('');
}

function entropyCoded(bits: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8).padEnd(8, '1'), 2);
    bytes.push(byte);
    if (byte === 0xff) bytes.push(0);
  }
  return Buffer.from(bytes);
}
