import type { Crop } from 'fer-dcnn';
import { drawFace } from '../../page-parts/draw-face.js';

/** Cuts a face out of a picture, upright, 96 by 96 pixels: three times the network's input. */
export function cutOut(picture: VideoFrame | ImageBitmap, crop: Crop): ImageData {
  return drawFace(picture, crop, SIDE, { willReadFrequently: true }).getImageData(0, 0, SIDE, SIDE);
}

const SIDE = 96;
