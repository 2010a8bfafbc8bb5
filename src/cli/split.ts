import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { FerError } from '../errors.js';
import { isClassFolders } from '../folders/open-dataset.js';
import { splitDataset } from '../folders/split-dataset.js';
import { type SplitFolderOptions, type SplitRatio, splitFolder } from '../folders/split-folder.js';
import { safeText } from '../safe-text.js';
import { type ClassFlags, classOptions, withClassOptions } from './class-options.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { tellLeftOut } from './left-out.js';
import { wholeNumber } from './numbers.js';
import { runCommand } from './run-command.js';

interface SplitFlags extends ClassFlags {
  ratio: SplitRatio;
  seed: number;
  out?: string;
  exclude?: string;
  json?: true;
}

/** `fer-dcnn split <dir>` */
export function splitCommand(): Command {
  return withClassOptions(new Command('split'))
    .description('Copy a folder of faces into train, val and test folders, with the same shares of each class.')
    .argument(
      '<dir>',
      'class folders (angry/, happy/, …), or a data set such as fer2013.csv, which keeps its own parts',
    )
    .option('--ratio <shares>', 'shares of train, val and test, or of train and val', ratio, [0.8, 0.1, 0.1])
    .option('--seed <n>', 'random seed: decides which image goes into which part', wholeNumber(0), 1337)
    .option('--out <folder>', 'output folder, new or empty (default: <dir>-split)')
    .option('--exclude <list>', 'list of images to leave out, as written by check --fix')
    .option('--json', 'print JSON: { out, train, val, test }, with counts')
    .addHelpText('after', HELP)
    .action(runCommand(run));
}

const HELP = `
The images are copied; <dir> is not changed. The same images, ratio and seed give the same folders on every machine.
Duplicates may land in several parts: fer-dcnn check --fix lists them, --exclude leaves them out.
${exitCodeHelp({ ok: 'split', none: 'wrong usage, or images that cannot be read or copied: nothing was written' })}
Examples:
  fer-dcnn split faces --ratio 0.8,0.1,0.1 --seed 1337
  fer-dcnn split faces --exclude faces/exclude.txt --out faces-clean`;

async function run(_: AbortSignal, dir: string, flags: SplitFlags): Promise<ExitCode> {
  const { ratio, seed, exclude, json, out = `${withoutSlashes(dir)}-split` } = flags;
  if (/^\.*$/.test(dir)) {
    if (flags.out === undefined) throw new FerError('OPTION', `pass --out, a folder for the parts of ${dir}`);
  }
  const options = { ...classOptions(flags), ratio, seed, exclude };
  const counts =
    (await isClassFolders(dir)) || !existsSync(dir)
      ? countsOf(dir, options, out)
      : await splitDataset(dir, out, options);
  if (json) process.stdout.write(`${JSON.stringify({ out, ...counts }, null, 2)}\n`);
  else {
    const lines = Object.entries(counts)
      .filter(([, count]) => count !== undefined)
      .map(([name, count]) => `${name.padEnd(5)}  ${count?.toLocaleString('en')} images\n`);
    process.stdout.write(`${safeText(out)}\n${lines.join('')}`);
  }
  return EXIT.ok;
}

function countsOf(dir: string, options: SplitFolderOptions<SplitRatio>, output: string) {
  const { train, validation, test } = splitFolder(dir, { ...options, output });
  tellLeftOut(train, dir, true);
  return { train: train.length, val: validation.length, test: test?.length };
}

/** Removes slashes at the end, without a regular expression, which would be slow for many slashes. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && '\\/'.includes(path[end - 1])) end--;
  return path.slice(0, end);
}

function ratio(text: string): SplitRatio {
  const shares = text.split(',').map((share) => (share.trim() === '' ? Number.NaN : Number(share)));
  const sum = shares.reduce((total, share) => total + share, 0);
  if ((shares.length !== 2 && shares.length !== 3) || !shares.every((share) => share > 0) || Math.abs(sum - 1) > 1e-6) {
    throw new InvalidArgumentError('It must be two or three numbers above 0 that sum to 1, such as 0.8,0.1,0.1.');
  }
  return shares as unknown as SplitRatio;
}
