export { decodePng } from './decode-png.js';

/**
 * Decodes a frame of an animation. This module is loaded by `import()` when a picture needs it, and imports nothing from the
 * package, so that bundlers keep it separate.
 *
 * @throws RangeError for a frame that does not exist.
 */
export async function frameOf(bytes: Uint8Array<ArrayBuffer>, type: string, frame: number) {
  if (typeof ImageDecoder === 'undefined' || !(await ImageDecoder.isTypeSupported(type))) {
    throw new RangeError(`there is no frame ${frame} here: this browser reads only the first`);
  }
  const decoder = new ImageDecoder({ data: bytes, type });
  try {
    // Wait for both: the number of frames is known only with the tracks, and grows with the bytes.
    await Promise.all([decoder.completed, decoder.tracks.ready]);
    const frames = decoder.tracks.selectedTrack?.frameCount ?? 1;
    if (frame >= frames) {
      throw new RangeError(`there is no frame ${frame}, but ${frames === 1 ? 'one' : `0 to ${frames - 1}`}`);
    }
    const { image } = await decoder.decode({ frameIndex: frame });
    return { source: image, width: image.displayWidth, height: image.displayHeight, close: () => image.close() };
  } finally {
    decoder.close();
  }
}
