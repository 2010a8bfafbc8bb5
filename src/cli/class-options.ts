import { type Command, InvalidArgumentError } from 'commander';
import type { ClassNameOptions } from '../folders/named-classes.js';
import { safeText } from '../safe-text.js';
import { tell } from './status-line.js';

/** Options on class names, for several commands. */
export interface ClassFlags {
  classes?: string[];
  map?: Record<string, string>;
  /** False with `--no-aliases`. */
  aliases?: boolean;
}

/** Adds `--classes`, `--map` and `--no-aliases`. */
export function withClassOptions(command: Command): Command {
  return command
    .option('--classes <names>', 'classes to keep, such as angry,happy; others are left out', names)
    .option('--map <joins>', 'classes to merge, such as fear=surprised,contempt=angry', joins)
    .option('--no-aliases', 'do not translate common names: surprise and surprised are then different classes');
}

/** The class options of a command. */
export function classOptions({ classes, map, aliases }: ClassFlags): ClassNameOptions {
  const onNote = (line: string) => tell(`fer-dcnn: ${safeText(line)}\n`);
  return { keep: classes, map, aliases: aliases ?? true, onNote: once(onNote) };
}

const told = new Set<string>();

/** Several folders of one run print the same notes. */
function once(say: (line: string) => void): (line: string) => void {
  return (line) => {
    if (!told.has(line)) say(line);
    told.add(line);
  };
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.some((name) => name === '') || new Set(list).size < list.length) {
    throw new InvalidArgumentError('It must be unique names, such as angry,happy.');
  }
  return list;
}

function joins(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('=').map((name) => name.trim()));
  if (pairs.some((pair) => pair.length !== 2 || pair.includes(''))) {
    throw new InvalidArgumentError('It must be pairs, such as fear=surprised,contempt=angry.');
  }
  return Object.fromEntries(pairs);
}
