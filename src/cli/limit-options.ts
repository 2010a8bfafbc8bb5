import type { Command } from 'commander';
import type { ImageLimits } from '../runtime.js';
import { numberBetween, wholeNumber } from './numbers.js';

/** Adds the limits on images from strangers. Their values are among the command's flags. */
export function withLimitOptions(command: Command): Command {
  const count = wholeNumber(1);
  return command
    .option('--max-pixels <n>', 'refuse images with more pixels (default: 64 million)', count)
    .option(
      '--max-work <n>',
      'refuse images with more decoding work: 1 is 2 seconds or 512 MB (default: 1)',
      numberBetween(0),
    )
    .option('--max-bytes <n>', 'refuse larger files', count)
    .option(
      '--max-frames <n>',
      'refuse animations with more frames, TIFFs with more pages (default: any; the first is used)',
      count,
    )
    .option('--max-milliseconds <n>', 'give up on an image after this decoding time (default: never)', count);
}

/** The limits among a command's flags. */
export function limitsOf({ maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds }: ImageLimits): ImageLimits {
  return { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
}
