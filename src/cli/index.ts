#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { classifyCommand } from './classify.js';

/** Each command is one file that exports one `Command`; adding one touches this list alone. */
const commands = [classifyCommand];

// A reader that has seen enough, such as `head`, closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const program = new Command('fer-dcnn')
  .description('Facial emotion recognition: angry, happy, sad, neutral or surprised.')
  .version(version)
  .addHelpText('after', '\nHelp on a command: fer-dcnn classify --help');
for (const command of commands) program.addCommand(command());

for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'fer-dcnn: ')),
  });
  command.showHelpAfterError(`(see: fer-dcnn ${command === program ? '' : `${command.name()} `}--help)`);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
