import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { evaluate } from '../src/index.js';
import { imageFolder } from '../src/node.js';
import type { Metrics } from './card.js';
import { cropped } from './cropped.js';
import { corruptionFigures, elsewhereFigures, figuresOf } from './figures.js';
import { PHOTO_BOX } from './photo-crops.js';

export interface MeasureOptions {
  /** As it is shipped. */
  model: LayersModel;
  /** The same before it was stored in 8 bits. */
  float32: LayersModel;
  ferplus: string;
  photos: string;
  web: string;
}

/** All figures that are kept beside the weights. */
export async function measure({ model, float32, ferplus, photos, web }: MeasureOptions): Promise<Metrics> {
  const valid = imageFolder(join(ferplus, 'valid'));
  const before = figuresOf(await evaluate(float32, valid));
  return {
    measuredOn: "FER+ `valid` (FER2013's PublicTest under the majority of ten votes, five classes)",
    ...figuresOf(await evaluate(model, valid)),
    float32: { accuracy: before.accuracy, macroRecall: before.macroRecall },
    elsewhere: {
      'photos, `valid`': elsewhereFigures(
        await evaluate(model, cropped(imageFolder(join(photos, 'valid')), PHOTO_BOX)),
      ),
      'web faces': elsewhereFigures(await evaluate(model, cropped(imageFolder(web), PHOTO_BOX))),
    },
    corruptions: await corruptionFigures(model, valid),
  };
}
