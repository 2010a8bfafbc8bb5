export { decodePng } from './decode-png.js';

/**
 * Decodes a frame of an animation. This module is loaded by `import()` when a picture needs it, and knows nothing of the
 * package: a bundle keeps it apart.
 *
 * @throws RangeError for a frame that is not there.
 */
export async function frameOf(bytes: Uint8Array<ArrayBuffer>, type: string, frame: number) {
  if (typeof ImageDecoder === 'undefined' || !(await ImageDecoder.isTypeSupported(type))) {
    throw new RangeError(`there is no frame ${frame} here: this browser gives the first alone`);
  }
  const decoder = new ImageDecoder({ data: bytes, type });
  try {
    // Both: the count of frames grows with the bytes, and is there with the tracks alone.
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
