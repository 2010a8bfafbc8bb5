import type { Command } from 'commander';
import type { ImageLimits } from '../runtime.js';
import { numberBetween, wholeNumber } from './numbers.js';

/** Adds the bounds on images of strangers. Their values lie among the command's flags. */
export function withLimitOptions(command: Command): Command {
  const count = wholeNumber(1);
  return command
    .option('--max-pixels <n>', 'refuse images with more pixels (default: 64 million)', count)
    .option(
      '--max-work <n>',
      'refuse what takes more to decode: 1 is 2 seconds or 512 MB (default: 1)',
      numberBetween(0),
    )
    .option('--max-bytes <n>', 'refuse larger files', count)
    .option(
      '--max-frames <n>',
      'refuse animations of more frames, TIFFs of more pages (default: any; the first is taken)',
      count,
    )
    .option('--max-milliseconds <n>', 'give up on an image after this decoding time (default: never)', count);
}

/** The bounds among a command's flags. */
export function limitsOf({ maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds }: ImageLimits): ImageLimits {
  return { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
}
