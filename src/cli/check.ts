import { join, relative } from 'node:path';
import { Command } from 'commander';
import { checkFolder, type FolderCheck } from '../folders/check-folder.js';
import { writeExclusions } from '../folders/exclusions.js';
import type { DuplicateGroup } from '../folders/group-duplicates.js';
import { safeText } from '../safe-text.js';
import { type ClassFlags, classOptions, withClassOptions } from './class-options.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { countReasons, MISSED } from './left-out.js';
import { type Progress, startProgress } from './progress.js';
import { runCommand } from './run-command.js';

interface CheckFlags extends ClassFlags {
  fix?: true | string;
  near: boolean;
  exclude?: string;
  json?: true;
  quiet?: true;
}

/** `fer-dcnn check <dir>` */
export function checkCommand(): Command {
  return withClassOptions(new Command('check'))
    .description('Find problems in a folder of faces: unreadable images, duplicates, folders that are not classes.')
    .argument(
      '<dir>',
      'class folders (angry/, happy/, …), folders train, val and test that contain them, or a data set such as fer2013.csv',
    )
    .option('--fix [list]', 'write a list of the images to leave out (default: <dir>/exclude.txt)')
    .option('--no-near', 'find exact duplicates only')
    .option('--exclude <list>', 'list of images to leave out, as written by an earlier --fix')
    .option('--json', 'print JSON: { files, unreadable, duplicates, classes, leftOut, unmatched }')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(runCommand(run));
}

const HELP = `
Images with the same pixels are exact duplicates, also in different file formats. Near duplicates are found by a perceptual
hash and compared pixel by pixel at 32x32 (correlation of 0.95 or more), also mirrored. Duplicates across splits make
figures too good: --fix keeps the image in test, then in val, and lists the one in train.

--fix moves nothing and deletes nothing. train, evaluate and split take the list as --exclude.
${exitCodeHelp({
  ok: 'nothing was found',
  some: 'something was found: unreadable images, files that are left out, folders that are not classes, duplicates',
  none: 'wrong usage, or a folder that cannot be read',
})}
Examples:
  fer-dcnn check faces
  fer-dcnn check faces --fix && fer-dcnn train faces --exclude faces/exclude.txt
  fer-dcnn check faces --json > check.json`;

async function run(signal: AbortSignal, dir: string, flags: CheckFlags): Promise<ExitCode> {
  const { fix, near, exclude, json, quiet } = flags;
  let progress: Progress | undefined;
  const onImage = (done: number, total: number) => {
    progress ??= startProgress({ label: 'checking', total, unit: 'images', quiet });
    progress.at(done);
    // The remaining work has no images to count.
    if (done === total) progress.end();
  };
  const check = await checkFolder(dir, { ...classOptions(flags), exclude, near, signal, onImage }).finally(() =>
    progress?.end(),
  );
  const list = fix === true ? join(dir, 'exclude.txt') : fix;
  if (list !== undefined) await writeExclusions(list, check.exclusions);

  const { files, unreadable, duplicates, classes, strayFolders, leftOut, unmatched } = check;
  const answer = { files, unreadable, duplicates, classes, leftOut, unmatched };
  if (json) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else process.stdout.write(text(dir, check, list));
  const missed = leftOut.filter(({ kind }) => MISSED.has(kind));
  const troubles = [unreadable, duplicates, strayFolders, missed, unmatched];
  return troubles.some((found) => found.length > 0) ? EXIT.some : EXIT.ok;
}

function text(dir: string, check: FolderCheck, list: string | undefined): string {
  const { files, unreadable, duplicates, splits, sizes, strayFolders, leftOut, unmatched, exclusions } = check;
  const lines = [`${files.toLocaleString('en')} images`, '', ...balance(splits), '', `Sizes: ${sizesText(sizes)}`];
  const name = (file: string) => relative(dir, file);
  lines.push(
    ...some(
      `Unreadable: ${unreadable.length}`,
      unreadable.map(({ file, reason }) => `${name(file)}: ${reason}`),
    ),
  );
  lines.push(
    ...some(
      `Folders that are not classes: ${strayFolders.length}`,
      strayFolders.map(({ folder, files }) => `${name(folder)}: ${files} images`),
    ),
  );
  for (const [reason, count] of Object.entries(countReasons(leftOut))) {
    const paths = leftOut.filter((each) => each.reason === reason).map(({ path }) => name(path));
    lines.push(...some(`Left out, ${reason}: ${count}`, paths));
  }
  lines.push(
    ...some(
      `List entries that match no file: ${unmatched.length}`,
      unmatched.map(({ list, path }) => `${list}: ${path}`),
    ),
  );
  const kinds: [string, (group: DuplicateGroup) => boolean][] = [
    ['across splits', (group) => group.acrossSplits],
    ['across classes', (group) => group.acrossClasses && !group.acrossSplits],
    ['within a split and class', (group) => !group.acrossClasses && !group.acrossSplits],
  ];
  for (const exact of [true, false]) {
    for (const [where, fits] of kinds) {
      const groups = duplicates.filter((group) => group.exact === exact && fits(group));
      const title = `${exact ? 'Exact' : 'Near'} duplicates ${where}: ${groups.length} groups`;
      lines.push(
        ...some(
          title,
          groups.map(({ files }) => files.map(name).join(' = ')),
          groups.length,
        ),
      );
    }
  }
  if (list !== undefined) lines.push('', `${list}: ${exclusions.length} images to leave out`);
  else if (exclusions.length > 0) lines.push('', `--fix lists ${exclusions.length} images to leave out`);
  return lines.map((line) => `${safeText(line)}\n`).join('');
}

/** A table of counts, one column per split, with the shares of classes in the first. */
function balance(splits: FolderCheck['splits']): string[] {
  const names = Object.keys(splits);
  const classes = [...new Set(names.flatMap((split) => Object.keys(splits[split])))];
  const totals = names.map((split) => Object.values(splits[split]).reduce((sum, count) => sum + count, 0));
  const rows = classes.map((name) => [
    name,
    ...names.map((split, s) => {
      const count = splits[split][name] ?? 0;
      return `${count.toLocaleString('en')} (${((100 * count) / Math.max(1, totals[s])).toFixed(0)}%)`;
    }),
  ]);
  const table = [['class', ...names.map((split) => split || 'images')], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '),
  );
}

function sizesText(sizes: FolderCheck['sizes']): string {
  const all = Object.entries(sizes);
  const shown = all.slice(0, SHOWN).map(([size, count]) => `${size} (${count.toLocaleString('en')})`);
  return `${shown.join(', ')}${all.length > SHOWN ? `, and ${all.length - SHOWN} others` : ''}`;
}

/** A title and its first few lines; nothing without lines. */
function some(title: string, lines: readonly string[], count = lines.length): string[] {
  if (count === 0) return [];
  const more = lines.length > SHOWN ? [`  … and ${lines.length - SHOWN} more (--json lists all)`] : [];
  return ['', title, ...lines.slice(0, SHOWN).map((line) => `  ${line}`), ...more];
}

/** Number of lines of each kind to show. */
const SHOWN = 10;
