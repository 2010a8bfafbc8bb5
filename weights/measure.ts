import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { evaluate } from '../src/index.js';
import { imageFolder } from '../src/node.js';
import type { Metrics } from './card.js';
import { cropped } from './cropped.js';
import { corruptionFigures, elsewhereFigures, figuresOf } from './figures.js';
import { PHOTO_BOX } from './photo-crops.js';

export interface MeasureOptions {
  /** The model with the shipped weights. */
  model: LayersModel;
  ferplus: string;
  photos: string;
  web: string;
}

/** Measures all figures kept beside the weights, except those of the weights before they were stored in 8 bits. */
export async function measure({ model, ferplus, photos, web }: MeasureOptions): Promise<Omit<Metrics, 'float32'>> {
  const valid = imageFolder(join(ferplus, 'valid'));
  return {
    measuredOn: "FER+ `valid` (FER2013's PublicTest under the majority of ten votes, five classes)",
    ...figuresOf(await evaluate(model, valid)),
    elsewhere: {
      'photos, `valid`': elsewhereFigures(
        await evaluate(model, cropped(imageFolder(join(photos, 'valid')), PHOTO_BOX)),
      ),
      'web faces': elsewhereFigures(await evaluate(model, cropped(imageFolder(web), PHOTO_BOX))),
    },
    corruptions: await corruptionFigures(model, valid),
  };
}
