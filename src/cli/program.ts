import { Command, CommanderError } from 'commander';
import { safeText } from '../safe-text.js';
import { EXIT } from './exit-code.js';
import { packageVersion } from './package-version.js';
import { shortened } from './shortened.js';

/** A command before its file is loaded. */
export interface CommandEntry {
  name: string;
  summary: string;
  load(): Promise<Command>;
}

/** Each command is one file with one `Command`; to add one, add it to this list. Only the requested command is loaded. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'check',
    summary: 'find duplicates and damaged images in a folder of faces',
    load: async () => (await import('./check.js')).checkCommand(),
  },
  {
    name: 'split',
    summary: 'copy a folder of faces into train, val and test',
    load: async () => (await import('./split.js')).splitCommand(),
  },
  {
    name: 'train',
    summary: 'train on a folder of faces, and report',
    load: async () => (await import('./train.js')).trainCommand(),
  },
  {
    name: 'evaluate',
    summary: 'measure a model on a folder of faces',
    load: async () => (await import('./evaluate.js')).evaluateCommand(),
  },
  {
    name: 'summary',
    summary: 'show the layers of a model',
    load: async () => (await import('./summary.js')).summaryCommand(),
  },
  {
    name: 'convert',
    summary: 'write a model for TF.js or as ONNX',
    load: async () => (await import('./convert.js')).convertCommand(),
  },
  {
    name: 'classify',
    summary: 'classify the faces in image files',
    load: async () => (await import('./classify.js')).classifyCommand(),
  },
  {
    name: 'video',
    summary: 'classify the faces in a video over time',
    load: async () => (await import('./video.js')).videoCommand(),
  },
  {
    name: 'studio',
    summary: 'open pages for your pictures, the camera and teaching',
    load: async () => (await import('./studio.js')).studioCommand(),
  },
  {
    name: 'enqueue',
    summary: 'put the images of a folder into a queue on Redis',
    load: async () => (await import('./enqueue.js')).enqueueCommand(),
  },
  {
    name: 'worker',
    summary: 'classify the images of a queue',
    load: async () => (await import('./worker.js')).workerCommand(),
  },
  {
    name: 'queue',
    summary: 'show the state of a queue',
    load: async () => (await import('./queue.js')).queueCommand(),
  },
  {
    name: 'completion',
    summary: 'print completions for bash, zsh or fish',
    load: async () => (await import('./completion.js')).completionCommand(allCommands),
  },
];

/**
 * Runs a command line, prints its result, and sets `process.exitCode`.
 *
 * @param words - The words after the program's name.
 */
export async function runProgram(words: readonly string[]): Promise<void> {
  const program = new Command('fer-dcnn')
    .description('Recognise facial emotions (angry, happy, sad, neutral, surprised), and train models for it.')
    .version(packageVersion())
    .addHelpText('after', '\nHelp on a command: fer-dcnn classify --help');

  const wanted = words.find((word) => !word.startsWith('-') && word !== 'help');
  for (const { name, summary, load } of COMMANDS) {
    program.addCommand((name === wanted ? await load() : new Command(name)).summary(summary));
  }

  for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => write(usageError(text)),
    });
    command.showHelpAfterError(`(see: fer-dcnn ${command === program ? '' : `${command.name()} `}--help)`);
  }

  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.none;
  }
}

function allCommands(): Promise<Command[]> {
  return Promise.all(COMMANDS.map(async ({ summary, load }) => (await load()).summary(summary)));
}

/** Commander's message for a wrong command line. It quotes words unchanged; a hint has its own line. */
function usageError(text: string): string {
  const hint = /\n\(Did you mean .*\?\)\n?$/.exec(text);
  const message = text
    .slice(0, hint?.index)
    .replace(/^error: /, '')
    .trimEnd();
  const lines = [`fer-dcnn: ${message}`, ...(hint === null ? [] : [hint[0].trim()])];
  return lines.map((line) => `${safeText(shortened(line))}\n`).join('');
}
