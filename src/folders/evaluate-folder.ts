import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type EvaluateOptions, evaluate } from '../tfjs/evaluate/evaluate.js';
import { type EvaluationReport, indexOfLargest } from '../tfjs/evaluate/metrics.js';
import { outputNamesFor } from '../tfjs/model/model-spec.js';
import type { FolderSample, ImageFolder } from './labelled-files.js';

export interface EvaluateFolderOptions extends Pick<EvaluateOptions, 'signal'> {
  /**
   * Number of mistakes to return.
   * @default 24
   */
  mistakes?: number;
  /** Called after each image. */
  onImage?: () => void;
}

/** An image that the model classified wrongly. */
export interface Mistake {
  file: string;
  /** Class of its label. */
  truth: string;
  /** Class that the model predicts. */
  said: string;
  /** Probability of the predicted class. */
  probability: number;
}

/**
 * Evaluates a model on a folder, and finds the mistakes with the highest probability.
 *
 * @returns The report of `evaluate`, and the mistakes, highest probability first.
 * @throws FerError as `evaluate` and the folder's iteration do.
 */
export async function evaluateFolder(
  model: LayersModel,
  folder: ImageFolder,
  options: EvaluateFolderOptions = {},
): Promise<{ report: EvaluationReport; mistakes: Mistake[] }> {
  const { mistakes: most = 24, signal, onImage } = options;
  const classes = outputNamesFor(model, folder.classes);
  const files: string[] = [];
  let seen = 0;
  let mistakes: Mistake[] = [];

  async function* noted(): AsyncGenerator<FolderSample> {
    for await (const sample of folder) {
      files.push(sample.file);
      yield sample;
      onImage?.();
    }
  }
  const report = await evaluate(model, Object.assign(noted(), { classes: folder.classes }), {
    signal,
    onBatch({ count, probabilities, labels }) {
      for (let row = 0; row < count; row++) {
        const from = row * classes.length;
        const truth = indexOfLargest(labels, from, classes.length);
        const said = indexOfLargest(probabilities, from, classes.length);
        const file = files[seen++];
        if (truth === said) continue;
        mistakes.push({ file, truth: classes[truth], said: classes[said], probability: probabilities[from + said] });
      }
      mistakes = mistakes.sort((a, b) => b.probability - a.probability).slice(0, most);
    },
  });
  return { report, mistakes };
}
