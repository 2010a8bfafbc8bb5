import type { PixelImage } from 'fer-dcnn/lite';

/** A picture without a face: to classify it loads all that later pictures need. */
export const BLACK_PICTURE: PixelImage = { data: new Uint8Array(64 * 64), width: 64, height: 64, channels: 1 };
