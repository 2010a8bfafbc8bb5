/**
 * Width and height in the header of a JPEG, PNG, GIF, WebP, AVIF, HEIC or BMP, before EXIF orientation. In a HEIC or AVIF, tiles
 * and thumbnails have sizes too; the result is the largest.
 *
 * @returns Undefined for another format or a broken file.
 */
export function headerSize(bytes: Uint8Array): [width: number, height: number] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    return readSize(bytes, view);
  } catch {
    // Beyond the end.
    return undefined;
  }
}

function readSize(bytes: Uint8Array, view: DataView): [number, number] | undefined {
  const u16 = (at: number) => view.getUint16(at, true);
  const first = view.getUint16(0);
  if (first === 0x8950) return [view.getUint32(16), view.getUint32(20)];
  if (first === 0x4749) return [u16(6), u16(8)];
  if (first === 0x424d) return [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
  if (first === 0x5249) {
    const kind = bytes[15];
    // VP8X: 24 bits each, less 1. VP8L: 14 bits each, less 1. VP8: 14 bits, and 2 of a scale.
    if (kind === 0x58) return [1 + u16(24) + (bytes[26] << 16), 1 + u16(27) + (bytes[29] << 16)];
    if (kind !== 0x4c) return [u16(26) & 0x3fff, u16(28) & 0x3fff];
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
  }
  if (first === 0xffd8) {
    for (let at = 2; ; ) {
      // A marker follows any number of 0xff.
      while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
      const marker = view.getUint16(at);
      if (marker < 0xff01) return undefined;
      // SOF0 to SOF15, without DHT, JPG and DAC.
      if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
        return [view.getUint16(at + 7), view.getUint16(at + 5)];
      }
      at += 2 + view.getUint16(at + 2);
    }
  }
  let size: [number, number] | undefined;
  if (view.getUint32(4) !== FTYP) return undefined;
  for (let at = 8; at + 16 <= Math.min(bytes.length, MOST_HEAD); at++) {
    if (bytes[at] !== 0x69 || view.getUint32(at) !== ISPE) continue;
    const found: [number, number] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (size === undefined || found[0] * found[1] > size[0] * size[1]) size = found;
  }
  return size;
}

const FTYP = 0x66747970;
const ISPE = 0x69737065;
/** Bytes that contain the properties of an image; its pixels come after them. */
const MOST_HEAD = 65_536;
