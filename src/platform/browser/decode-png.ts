/** Pixels of a PNG, with straight (not premultiplied) alpha. */
export interface PngPixels {
  /** RGBA, length width * height * 4. */
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

/**
 * Decodes a PNG without the rounding of a canvas, which premultiplies alpha and rounds 16-bit levels. The result has the levels of
 * the file, and the high byte of 16-bit levels, as from libvips in Node. Colour profiles and gamma are ignored.
 *
 * Format: Portable Network Graphics, W3C Recommendation, third edition.
 *
 * @throws Error for a broken or truncated file.
 */
export async function decodePng(bytes: Uint8Array<ArrayBuffer>): Promise<PngPixels> {
  const { header, palette, transparency, compressed } = readChunks(bytes);
  const { width, height, depth, samples, interlaced } = header;
  const data = new Uint8Array(width * height * 4);
  const writeRow = rowWriter(header, palette, transparency);
  const source = inflated(compressed);
  try {
    const bits = samples * depth;
    const step = Math.max(bits >> 3, 1);
    for (const [left, top, across, down] of interlaced ? ADAM7 : WHOLE) {
      const columns = Math.ceil((width - left) / across);
      const rows = Math.ceil((height - top) / down);
      if (columns <= 0 || rows <= 0) continue;
      const length = Math.ceil((columns * bits) / 8);
      let row = new Uint8Array(1 + length);
      let above = new Uint8Array(1 + length);
      for (let y = 0; y < rows; y++) {
        await source.fill(row);
        undoFilter(row, above, step);
        writeRow(row, columns, data, ((top + y * down) * width + left) * 4, across * 4);
        [row, above] = [above, row];
      }
    }
  } finally {
    source.close();
  }
  return { data, width, height };
}

interface Header {
  width: number;
  height: number;
  /** Bits per sample. */
  depth: number;
  colour: number;
  /** Samples per pixel. */
  samples: number;
  interlaced: boolean;
}

interface Chunks {
  header: Header;
  palette: Uint8Array;
  transparency: Uint8Array | null;
  compressed: Uint8Array<ArrayBuffer>[];
}

function readChunks(bytes: Uint8Array<ArrayBuffer>): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: Header | null = null;
  let palette = new Uint8Array(0);
  let transparency: Uint8Array | null = null;
  const compressed: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length < length) break;
    // The compressed bytes have their own checksum.
    if (
      /IHDR|PLTE|tRNS/.test(type) &&
      crc(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)
    ) {
      throw new Error(`the chunk ${type} is damaged`);
    }
    if (type === 'IHDR') header = readHeader(view, at + 8);
    else if (type === 'PLTE') palette = content;
    else if (type === 'tRNS') transparency = content;
    else if (type === 'IDAT') compressed.push(content);
    else if (type === 'IEND') break;
    at += 12 + length;
  }
  if (header === null || compressed.length === 0) throw new Error('the file ends too early');
  return { header, palette, transparency, compressed };
}

/** By colour type: samples per pixel, and the allowed depths. */
const COLOURS: Record<number, [samples: number, depths: number[]] | undefined> = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};

function readHeader(view: DataView, at: number): Header {
  const [depth, colour, compression, filter, interlace] = [8, 9, 10, 11, 12].map((place) => view.getUint8(at + place));
  const [samples, depths] = COLOURS[colour] ?? [0, []];
  if (!depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    throw new Error(`unknown kind of PNG: colour type ${colour}, ${depth} bits`);
  }
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  return { width, height, depth, colour, samples, interlaced: interlace === 1 };
}

/** Left, top, and the steps across and down of each pass; section 8.1. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
const WHOLE = [[0, 0, 1, 1]];

/** The inflated bytes, decompressed on demand: a small file may contain a very large stream. */
function inflated(compressed: Uint8Array<ArrayBuffer>[]) {
  const reader = new Blob(compressed).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
  let rest = new Uint8Array(0);
  return {
    async fill(row: Uint8Array): Promise<void> {
      for (let at = 0; at < row.length; ) {
        if (rest.length === 0) {
          const { done, value } = await reader.read();
          if (done) throw new Error('the pixels end too early');
          rest = value;
        }
        const part = rest.subarray(0, row.length - at);
        row.set(part, at);
        rest = rest.subarray(part.length);
        at += part.length;
      }
    },
    close(): void {
      reader.cancel().catch(() => {});
    },
  };
}

/** Section 9.2; the first byte of a row is the number of its filter, and becomes 0. */
function undoFilter(row: Uint8Array, above: Uint8Array, step: number): void {
  const filter = row[0];
  row[0] = 0;
  const { length } = row;
  // Before the first pixel, everything is 0.
  const first = Math.min(1 + step, length);
  if (filter === 1) {
    for (let i = first; i < length; i++) row[i] += row[i - step];
  } else if (filter === 2) {
    for (let i = 1; i < length; i++) row[i] += above[i];
  } else if (filter === 3) {
    for (let i = 1; i < first; i++) row[i] += above[i] >> 1;
    for (let i = first; i < length; i++) row[i] += (row[i - step] + above[i]) >> 1;
  } else if (filter === 4) {
    for (let i = 1; i < first; i++) row[i] += above[i];
    for (let i = first; i < length; i++) row[i] += paeth(row[i - step], above[i], above[i - step]);
  } else if (filter !== 0) throw new Error(`unknown filter: ${filter}`);
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Writes the pixels of a row from `at`, `step` bytes apart. */
type WriteRow = (row: Uint8Array, columns: number, data: Uint8Array, at: number, step: number) => void;

function rowWriter({ depth, colour, samples }: Header, palette: Uint8Array, transparency: Uint8Array | null): WriteRow {
  const largest = 2 ** depth - 1;
  const sample = (row: Uint8Array, i: number): number => {
    if (depth === 8) return row[1 + i];
    if (depth === 16) return (row[1 + 2 * i] << 8) | row[2 + 2 * i];
    const bit = i * depth;
    return (row[1 + (bit >> 3)] >> (8 - depth - (bit & 7))) & largest;
  };
  const level = (value: number) => (depth === 16 ? value >> 8 : (value * 255) / largest);

  if (colour === 3) {
    return (row, columns, data, at, step) => {
      for (let x = 0; x < columns; x++, at += step) {
        const index = sample(row, x);
        if (3 * index + 2 >= palette.length) throw new Error(`the palette has no colour ${index}`);
        for (let c = 0; c < 3; c++) data[at + c] = palette[3 * index + c];
        data[at + 3] = transparency?.[index] ?? 255;
      }
    };
  }

  if (depth === 8 && samples === 4) {
    return (row, columns, data, at, step) => {
      if (step === 4) data.set(row.subarray(1), at);
      else for (let x = 0; x < columns; x++) data.set(row.subarray(1 + 4 * x, 5 + 4 * x), at + step * x);
    };
  }

  const colours = samples >= 3 ? 3 : 1;
  const clear =
    transparency === null || samples % 2 === 0
      ? null
      : Array.from({ length: colours }, (_, c) => ((transparency[2 * c] << 8) | transparency[2 * c + 1]) & largest);
  return (row, columns, data, at, step) => {
    for (let x = 0; x < columns; x++, at += step) {
      const first = x * samples;
      for (let c = 0; c < 3; c++) data[at + c] = level(sample(row, first + (colours === 3 ? c : 0)));
      if (samples % 2 === 0) data[at + 3] = level(sample(row, first + colours));
      else data[at + 3] = clear?.every((value, c) => value === sample(row, first + c)) ? 0 : 255;
    }
  };
}

/** Section D. */
function crc(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  return (rest ^ 0xffffffff) >>> 0;
}
