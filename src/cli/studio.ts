import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type StudioOptions, serveStudio } from '../studio/serve-studio.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { wholeNumber } from './numbers.js';
import { runCommand } from './run-command.js';
import { tell } from './status-line.js';

interface StudioFlags {
  port?: number;
  open: boolean;
  out: string;
  epochs?: number;
}

/** `fer-dcnn studio` */
export function studioCommand(): Command {
  return new Command('studio')
    .description('Open pages in the browser, for this machine alone: your pictures, the camera, and teaching.')
    .option('--port <n>', 'port on 127.0.0.1 (default: one that is free)', wholeNumber(1, 65_535))
    .option('--no-open', 'open no browser; the address is printed')
    .option('--out <folder>', 'where trainings are written, a folder each', 'runs')
    .option(
      '--epochs <n>',
      'passes over the faces in a training (default: 10 to 80, more when there are fewer faces)',
      wholeNumber(1),
    )
    .addHelpText('after', HELP)
    .action(runCommand(run, { OPTION: 'another --port, or none' }));
}

const HELP = `
Pictures stay in the browser. The faces of a training go to this process and nowhere else: the server answers only this
machine, and needs no network. The address holds a token: anyone who has it may train. Ctrl-C ends the studio.
${exitCodeHelp({ ok: 'never: it runs until it is stopped', none: 'wrong usage, or a port that is taken' })}
Examples:
  fer-dcnn studio
  fer-dcnn studio --port 8080 --no-open`;

async function run(signal: AbortSignal, { port, open, out, epochs }: StudioFlags): Promise<ExitCode> {
  const token = randomBytes(16).toString('hex');
  // Loaded by the first training, TF.js with it: the page opens sooner.
  const train: StudioOptions['train'] = async (...given) =>
    (await import('./train-on-faces.js')).trainOnFaces({ epochs })(...given);
  const root = new URL('../../', import.meta.url);
  const studio = await serveStudio({ root, out: resolve(out), token, port, train });
  try {
    const address = `http://127.0.0.1:${studio.port}/pictures/#token=${token}`;
    process.stdout.write(`${address}\n`);
    tell('fer-dcnn: the studio is open at this address, for this machine alone; Ctrl-C ends it\n');
    if (open) await openBrowser(address);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await studio.close();
  }
  return EXIT.ok;
}

async function openBrowser(address: string): Promise<void> {
  const { default: open } = await import('open');
  const without = () => tell('fer-dcnn: no browser could be opened: open the address yourself\n');
  try {
    const child = await open(address);
    child.once('error', without);
  } catch {
    without();
  }
}
