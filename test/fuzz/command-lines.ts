import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-layers';
import type { Command } from 'commander';
import sharp from 'sharp';
import { COMMANDS } from '../../src/cli/program.js';
import { registerCpu } from '../../src/tfjs/backends/register-cpu.js';
import { toFiles } from '../../src/tfjs/model/artifacts.js';
import { setMetadata } from '../../src/tfjs/model/metadata.js';
import fc, { anyCharacter } from '../fast-check.js';

/** What a command line left behind. */
export interface Told {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
}

/** Command lines start here. What they write here is deleted; the folder is deep enough for a `..`. */
export async function writeGround(root: string): Promise<string> {
  const cwd = join(root, 'a/b/c');
  mkdirSync(cwd, { recursive: true });
  const put = (path: string, content: string | Uint8Array) => {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), content);
  };
  for (const [k, emotion] of ['angry', 'happy', 'sad', 'neutral', 'surprised'].entries()) {
    const grey = Uint8Array.from({ length: 20 * 20 }, (_, i) => (i * (k + 3)) % 256);
    const png = await sharp(grey, { raw: { width: 20, height: 20, channels: 1 } })
      .png()
      .toBuffer();
    for (const name of ['1', '2']) put(`faces/${emotion}/${name}.png`, png);
    put(`animals/${['cat', 'dog'][k % 2]}/${k}.png`, png);
    put('face.png', png);
    put('odd\u001b[2J\nname.png', png);
    put('\u001b[31mred/angry/\u009b2J.png', png);
  }
  for (const [name, text] of Object.entries({
    'text.jpg': 'no image',
    'clip.mp4': 'no video',
    'list.txt': '# none\nfaces/angry/1.png\n../x\n',
    'votes.csv': 'file,angry,happy,sad,neutral,surprised\n1.png,1,0,0,0,0\n',
    'broken/model.json': '{"format":"layers-model","modelTopology":{"class_name":"\u001b[2J"},"weightsManifest":[]}',
    'run/model.json': 'null',
    'run/settings.json': '{"epochs":"many","schedule":"constructor","val":5,"model":"nowhere","backend":"\\u001b[2J"}',
    'run/checkpoint.bin': 'no checkpoint',
  })) {
    put(name, text);
  }
  registerCpu();
  const { flatten, dense } = tf.layers;
  const inputShape = [32, 32, 1];
  const model = tf.sequential({ name: '\u001b[2J', layers: [flatten({ inputShape }), dense({ units: 5 })] });
  setMetadata(model, { classes: ['angry', '\u001b[2J\n'], metrics: { accuracy: 1, measuredOn: '\u009b2J' } });
  const { json, binary } = toFiles(model);
  model.dispose();
  put('model/model.json', JSON.stringify(json));
  put('model/weights.bin', binary);
  mkdirSync(join(cwd, 'empty'));
  symlinkSync('loop', join(cwd, 'loop'));
  return cwd;
}

/** For a folder that an earlier case may have changed. */
export function copyGround(from: string, to: string): string {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  return join(to, 'a/b/c');
}

/** A command line: the words after the program's name. */
export async function commandLines(): Promise<fc.Arbitrary<string[]>> {
  const ending = COMMANDS.filter(({ name }) => !ENDLESS.has(name));
  const commands = await Promise.all(ending.map(async ({ name, load }) => shapeOf(name, await load())));
  const one = fc.oneof(
    ...commands.map(({ path, options, takes }) =>
      fc
        .tuple(fc.array(optionOf(options), { maxLength: 4 }), fc.array(argument, { maxLength: 2 }), fc.nat(7))
        .map(([flags, words, how]) => {
          // Most have what their command needs, or little beyond the first check would be reached.
          const more = how > 4 ? words : [];
          return [...path, ...(how > 0 ? takes : []), ...flags.flat(), ...more];
        }),
    ),
  );
  const shuffled = fc.tuple(one, fc.nat(), fc.nat()).map(([words, from, to]) => {
    const list = [...words];
    const [word] = list.splice(from % list.length, 1);
    list.splice(to % (list.length + 1), 0, word);
    return list;
  });
  const anything = fc.array(fc.oneof(argument, fc.constantFrom(...ending.map(({ name }) => name))), { maxLength: 5 });
  return fc.oneof(
    { weight: 6, arbitrary: one },
    { weight: 1, arbitrary: shuffled },
    { weight: 1, arbitrary: anything },
  );
}

/**
 * Checks what any command line printed.
 *
 * @returns Its exit code, in words.
 * @throws Error when it is none of those that are documented, or when what is printed is not for humans.
 */
export function checkTold(words: readonly string[], { code = 0, stdout, stderr }: Told): string {
  const wrong = (what: string) =>
    new Error(`${what}: ${JSON.stringify({ words, code, stdout, stderr }).slice(0, 1500)}`);
  if (![0, 1, 2].includes(code as number)) throw wrong('another exit code');
  if (code !== 0 && stderr === '' && words[0] !== 'check') throw wrong('failed without a word');
  if (code === 0 && stdout === '') throw wrong('done without a word');
  if (code === 2 && stdout !== '') throw wrong('results of a command line that failed');
  const machine = words.some((word) => /^--(json|csv)/.test(word));
  for (const text of machine ? [stderr] : [stderr, stdout]) {
    if (/[^\P{Cc}\n]/u.test(text)) throw wrong('control characters for the terminal');
  }
  if (/^\s+at .*:\d+:\d+/m.test(stderr)) throw wrong('a stack trace');
  if (/\[(UNKNOWN|ERR_\w+)\]/.test(stderr)) throw wrong('an error that nobody expected');
  if (stderr.split('\n').some((line) => line.length > 5000)) throw wrong('a line that nobody reads');
  return `exit ${code}`;
}

interface OptionShape {
  names: string[];
  value: 'none' | 'may' | 'must';
  choices: readonly string[];
}

interface CommandShape {
  path: string[];
  options: OptionShape[];
  /** Words with which it gets to work, and soon ends. */
  takes: string[];
}

/** What a command takes, as it tells itself: what is added to it is fuzzed too. */
function shapeOf(name: string, command: Command): CommandShape {
  const last = command.commands[0] ?? command;
  const options = last.options.map(({ short, long, required, optional, argChoices }) => ({
    names: [short, long].filter((each) => each !== undefined),
    value: required ? ('must' as const) : optional ? ('may' as const) : ('none' as const),
    choices: argChoices ?? [],
  }));
  return { path: last === command ? [name] : [name, last.name()], options, takes: TAKES[name] ?? [] };
}

/** A server runs until it is stopped: test/cli/studio.test.ts. */
const ENDLESS = new Set(['studio']);

const TAKES: Record<string, string[]> = {
  check: ['faces'],
  split: ['faces', '--out', 'parts'],
  // Of classes that are none of the model's: a training, however short, takes longer than a case may.
  train: ['animals', '--model', 'model'],
  evaluate: ['faces'],
  summary: ['model'],
  convert: ['--to', 'onnx', '--out', 'out.onnx'],
  classify: ['face.png'],
  video: ['clip.mp4'],
  enqueue: ['faces'],
  worker: ['--root', 'faces', '--out', 'results.jsonl'],
};

/** Paths of the ground, and some that are not there; none leads out of it, since they are also written to. */
const path = fc.constantFrom(
  ...[
    'faces/angry',
    'animals',
    'empty',
    'face.png',
    'text.jpg',
    'clip.mp4',
    'list.txt',
    'votes.csv',
    'broken',
    'run',
    'model',
  ],
  ...[
    'odd\u001b[2J\nname.png',
    '\u001b[31mred',
    '\u001b[31mred/angry/\u009b2J.png',
    'loop',
    'loop/x',
    'face.png/inside',
  ],
  ...['nowhere', 'nowhere/deeper\u0007', '', ' ', '.', '..', '-', '--', './', 'x'.repeat(300), 'y/'.repeat(3000)],
  ...['*.png', '[', '{a,b', '**/[!', 'faces/**/*.png', '\\', '~', '%00', 'http://127.0.0.1:1/x.png', 'file:///nowhere'],
  ...['pretrained', '__proto__', 'constructor', 'ünï çødé 🙂', '\u202egnp.exe', '\ud800', '$(x)', '`x`', "'", '"'],
);

const numberText = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '2',
    '-1',
    '1e308',
    '9007199254740993',
    '0x10',
    '1_000',
    '٣',
    'NaN',
    'Infinity',
    '-0',
    '1.5',
    ' 3 ',
  ),
  fc.double().map(String),
  fc.integer({ min: -3, max: 40 }).map(String),
);

const junk = fc.oneof(
  fc.string({ maxLength: 30, unit: anyCharacter }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '\u001b]0;title\u0007',
    '\n(Did you mean \u001b[2J?)',
    '\r\nfer-dcnn: all is well',
    '\u007f',
    '\u009b31m',
  ),
  fc.constantFrom('--', '-', '---', '--=', '-=', '--no-', '--no-no', '--help=1', '-vh', '-1', '--json=', '--toString'),
  fc.constantFrom(
    'a'.repeat(20_000),
    '\u001b'.repeat(20_000),
    'redis://127.0.0.1:1',
    'redis://%ff@x',
    'redis://[',
    'http://x',
  ),
  fc.constantFrom('0.8,0.2', '0.5,0.5,0', ',', '1,1', 'help', '--help', '-h', '--version', '-V', 'status'),
);

const inGround = (word: string) => !word.includes('\0') && !word.startsWith('/') && !word.slice(2).includes('..');
const argument = fc
  .oneof({ weight: 3, arbitrary: path }, { weight: 1, arbitrary: junk }, { weight: 1, arbitrary: numberText })
  .filter(inGround);

/** One option as words: its name, with a value that fits or not, of its own or joined by '='. */
function optionOf(options: readonly OptionShape[]): fc.Arbitrary<string[]> {
  if (options.length === 0) return argument.map((word) => [word]);
  return fc
    .tuple(fc.constantFrom(...options), fc.nat(), argument, fc.constantFrom('1', '2', '3'), fc.nat(), fc.nat(19))
    .map(([{ names, value, choices }, which, odd, fitting, choice, how]) => {
      const name = names[which % names.length];
      if (how === 19) return value === 'none' ? [name, odd] : [name];
      if (value === 'none') return [name];
      const word = how > 14 ? odd : choices.length > 0 ? choices[choice % choices.length] : how > 6 ? fitting : odd;
      return how === 18 ? [`${name}=${word}`] : [name, word];
    });
}
