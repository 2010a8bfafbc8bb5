import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { reportHtml } from '../../src/report/report-html.js';
import { measure } from '../../src/tfjs/evaluate/metrics.js';
import { randomStream } from '../../src/tfjs/train/random.js';

const EPOCHS = 12;

/**
 * Writes `<classes>.html` into a folder: a report on drawn figures, names of up to 22 letters, pictures of which one is gone.
 */
export async function writeReport(classes: number, folder: string): Promise<void> {
  const random = randomStream(classes);
  const names = Array.from({ length: classes }, (_, c) => `${['look', 'expression'][c % 2]} number ${1000 + c}`);
  const count = 30 * classes;
  const probabilities = new Float32Array(count * classes).map(() => random());
  const labels = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const truth = i % classes;
    labels[i * classes + truth] = 1;
    probabilities[i * classes + truth] += random();
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const sum = row.reduce((total, value) => total + value, 0);
    row.forEach((value, c) => {
      row[c] = value / sum;
    });
  }
  const rising = (from: number, by: number) => Array.from({ length: EPOCHS }, (_, e) => from + by * e);
  const file = join(folder, 'face.png');
  await sharp({ create: { width: 60, height: 40, channels: 3, background: '#888888' } })
    .png()
    .toFile(file);
  const page = await reportHtml({
    title: 'a-run-with-a-rather-long-name-that-has-no-space-in-it',
    measuredOn: 'faces-split/test, 1,400 images',
    evaluation: measure(probabilities, labels, names),
    model: `Model: "fer_dcnn"\n${'layer '.repeat(30)}`,
    training: {
      history: {
        ...{ loss: rising(2, -0.1), accuracy: rising(0.36, 0.0005), learningRate: rising(1e-3, 0) },
        ...{ valLoss: rising(2, -0.05), valAccuracy: rising(0.362, 0.0005), valMacroRecall: rising(0.3, 0) },
      },
      best: { epoch: 3, loss: 1, accuracy: 0.36, learningRate: 1e-3 },
      stoppedAt: EPOCHS,
    },
    mistakes: Array.from({ length: 5 }, (_, i) => ({
      file: i === 0 ? '/gone/a_rather_long_file_name_of_a_picture_0001.png' : file,
      ...{ truth: names[0], said: names[1], probability: 0.9 },
    })),
    tables: { Settings: { augment: JSON.stringify({ shear: 0.2, zoom: 0.2, mirror: true, brightness: 0.1 }) } },
  });
  writeFileSync(join(folder, `${classes}.html`), page);
}
