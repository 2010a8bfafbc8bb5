import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plotCalibration, plotConfusionMatrix } from '../src/index.js';
import { renderPlot } from '../src/node.js';
import type { Figures } from './figures.js';

/** The pictures of the model card: SVG by file name, drawn from the same figures as the tables. */
export async function cardPictures(figures: Figures): Promise<Record<string, string>> {
  const classes = Object.keys(figures.classes).map((className) => ({ className }));
  const calibration = figures.calibration.map(({ bin, ...rest }) => {
    const [low, high] = bin.split('-').map(Number);
    return { low, high, ...rest };
  });
  return {
    'confusion-matrix.svg': await renderPlot(
      plotConfusionMatrix({ confusionMatrix: figures.confusionMatrix, classes }, { cells: 'shares' }),
    ),
    'calibration.svg': await renderPlot(
      plotCalibration({ calibration, expectedCalibrationError: figures.expectedCalibrationError }),
    ),
  };
}

export async function writePictures(folder: string, figures: Figures): Promise<void> {
  for (const [name, picture] of Object.entries(await cardPictures(figures))) {
    await writeFile(join(folder, name), picture);
  }
}
