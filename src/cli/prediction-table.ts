import { EMOTIONS } from '../emotions.js';
import type { Box, DetectedFace, Prediction } from '../index.js';
import { percent } from '../report/percent.js';
import { csvCell, safeText } from '../safe-text.js';

/** The result of one image. */
export type Outcome =
  | { file: string; predictions: Prediction[] }
  | { file: string; faces: FaceAnswer[] }
  | { file: string; error: { code: string; message: string } };

/** The printed fields of a face. */
export type FaceAnswer = Pick<DetectedFace, 'box' | 'score' | 'predictions'>;

/** A face with only the printed fields. */
export function answerOf({ box, score, predictions }: DetectedFace): FaceAnswer {
  return { box, score, predictions };
}

/** Formats outcomes, one after the other. */
export interface OutcomeWriter {
  begin(): string;
  write(outcome: Outcome): string;
  end(): string;
}

/** Lines for people: one per class; the first names the file. */
export function tableWriter(files: readonly string[]): OutcomeWriter {
  const width = files.reduce((most, file) => Math.max(most, safeText(file).length), 0);
  return {
    begin: () => '',
    write(outcome) {
      if ('error' in outcome) return '';
      if ('predictions' in outcome) return lines(outcome.file, outcome.predictions, width);
      if (outcome.faces.length === 0) return `${safeText(outcome.file).padEnd(width)}  no face\n`;
      return outcome.faces
        .map(({ box, predictions }, i) => lines(i === 0 ? outcome.file : '', predictions, width, `  ${place(box)}`))
        .join('');
    },
    end: () => '',
  };
}

/** One JSON list, written one outcome at a time: a million outcomes are never in memory together. */
export function jsonWriter(): OutcomeWriter {
  let first = true;
  return {
    begin: () => '[',
    write(outcome) {
      const comma = first ? '' : ',';
      first = false;
      return `${comma}\n${JSON.stringify(outcome, null, 2).replace(/^/gm, '  ')}`;
    },
    end: () => (first ? ']\n' : '\n]\n'),
  };
}

/** JSON lines: one line per image. */
export function linesWriter(): OutcomeWriter {
  return { begin: () => '', write: (outcome) => `${JSON.stringify(outcome)}\n`, end: () => '' };
}

/** CSV as in RFC 4180, one row per face: the file, with `faces` the box, and the probability of each class. */
export function csvWriter(faces: boolean, classes: readonly string[] = EMOTIONS): OutcomeWriter {
  const row = (cells: (string | number)[]) => `${cells.map(csvCell).join(',')}\r\n`;
  const places = faces ? ['x', 'y', 'width', 'height', 'score'] : [];
  return {
    begin: () => row(['file', ...places, ...classes, 'error']),
    write(outcome) {
      const { file } = outcome;
      if ('error' in outcome) return row([file, ...places.map(() => ''), ...classes.map(() => ''), outcome.error.code]);
      if ('predictions' in outcome) return row([file, ...inOrderOfClasses(outcome.predictions, classes), '']);
      return outcome.faces
        .map(({ box: { x, y, width, height }, score, predictions }) =>
          row([file, x, y, width, height, score, ...inOrderOfClasses(predictions, classes), '']),
        )
        .join('');
    },
    end: () => '',
  };
}

function lines(file: string, predictions: readonly Prediction[], width: number, note = ''): string {
  return predictions
    .map(({ className, probability }, row) => {
      const name = (row === 0 ? safeText(file) : '').padEnd(width);
      const share = percent(probability).padStart(6);
      const bar = '█'.repeat(Math.round(20 * probability));
      return `${name}  ${safeText(className).padEnd(9)}  ${share}  ${note === '' || row > 0 ? bar : bar.padEnd(20) + note}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}

function place({ x, y, width, height }: Box): string {
  return `${Math.round(width)}x${Math.round(height)} at ${Math.round(x)},${Math.round(y)}`;
}

function inOrderOfClasses(predictions: readonly Prediction<string>[], classes: readonly string[]): number[] {
  return classes.map((name) => predictions.find(({ className }) => className === name)?.probability ?? 0);
}
