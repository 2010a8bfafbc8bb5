import { Command, Option } from 'commander';
import { withClassOptions } from './class-options.js';
import type { EvaluateFlags } from './evaluate-run.js';
import { exitCodeHelp } from './exit-code.js';
import { runCommand } from './run-command.js';

/** `fer-dcnn evaluate <dir>` */
export function evaluateCommand(): Command {
  return withClassOptions(new Command('evaluate'))
    .description('Measure a model on a folder of faces, one folder per class.')
    .argument(
      '<dir>',
      'class folders (angry/, happy/, …), or a data set such as fer2013.csv, whose test images are used',
    )
    .option('--model <folder>', 'the model (default: the pretrained weights)')
    .option('--report <file>', 'also write a report, as one HTML file')
    .option('--no-images', 'leave the pictures of mistakes out of the report')
    .addOption(new Option('--backend <name>', 'backend (default: wasm)').choices(['simd', 'wasm', 'cpu']))
    .option('--exclude <list>', 'list of images to leave out, as written by check --fix')
    .option('--votes <csv>', 'soft labels: file,angry,happy,… with votes or probabilities')
    .option('--skip-unreadable', 'leave out images that cannot be read, instead of stopping')
    .option('--json', 'print the report of evaluate() as JSON')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(
      runCommand(
        async (signal, dir: string, flags: EvaluateFlags) =>
          (await import('./evaluate-run.js')).runEvaluate(signal, dir, flags),
        {
          DECODE: 'fer-dcnn check lists such files; --skip-unreadable leaves them out',
          CLASSES: '--classes keeps some, --map joins some, --model names a model of these classes',
        },
      ),
    );
}

const HELP = `${exitCodeHelp({ ok: 'measured', none: 'wrong usage, or data or a model that cannot be read' })}
Examples:
  fer-dcnn evaluate faces/test
  fer-dcnn evaluate faces/test --model runs/first --report report.html
  fer-dcnn evaluate faces/test --json > metrics.json`;
