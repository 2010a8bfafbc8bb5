import { Command, Option } from 'commander';
import { MOST_WORKERS } from '../tfjs/train/most-workers.js';
import { withClassOptions } from './class-options.js';
import { exitCodeHelp } from './exit-code.js';
import { numberBetween, wholeNumber } from './numbers.js';
import { runCommand } from './run-command.js';
import type { TrainFlags } from './train-run.js';

/** `fer-dcnn train <dir>` */
export function trainCommand(): Command {
  return withClassOptions(new Command('train'))
    .description('Train on a folder of faces, one folder per class, and write a run folder with model and report.')
    .argument('<dir>', 'class folders (angry/, happy/, …), the output of split, or a data set such as fer2013.csv')
    .option('--val <dir>', 'validation images (default: <dir>/val, else a tenth of the images)')
    .option('--no-val', 'train on all images, without validation or report')
    .option('--test <dir>', 'test images for the report (default: <dir>/test, else the validation images)')
    .option('--out <folder>', 'the run folder (default: runs/<name of dir>)')
    .option('--resume', 'continue the run in --out with its settings; --epochs may be raised')
    .option('--model <folder>', "weights to start from: a model's folder, or 'pretrained' (default: new weights)")
    .option('--epochs <n>', 'number of passes over the images (default: 30)', wholeNumber(1))
    .option('--patience <n>', 'stop after n epochs without improvement', wholeNumber(1))
    .option('--batch-size <n>', 'images per step (default: 32)', wholeNumber(1))
    .option(
      '--learning-rate <x>',
      "Adam's learning rate at its highest (default: 1e-3, with --model 1e-4)",
      numberBetween(0),
    )
    .addOption(
      new Option('--schedule <name>', 'how the learning rate falls (default: cosine)').choices([
        'constant',
        'cosine',
        'step',
      ]),
    )
    .option('--weight-decay <x>', 'decoupled weight decay', numberBetween(0))
    .addOption(
      new Option(
        '--augment <name>',
        "random changes to the images: 'report' as in the original report, 'strong' for more (default: report)",
      ).choices(['report', 'strong', 'none']),
    )
    .addOption(
      new Option('--normalization <name>', "how faces are normalised (default: the model's, else unit)").choices([
        'unit',
        'standardize',
        'localContrast',
      ]),
    )
    .addOption(
      new Option('--sampling <name>', 'which images an epoch takes (default: shuffled)').choices([
        'shuffled',
        'balanced',
        'square-root',
      ]),
    )
    .addOption(new Option('--class-weights <name>', 'weigh the loss by class').choices(['balanced']))
    .option('--ema <decay>', 'keep an exponential moving average of the weights, such as 0.999', numberBetween(0, 1))
    .addOption(
      new Option('--monitor <figure>', 'figure that decides which epoch is kept (default: valLoss)').choices([
        'loss',
        'valLoss',
        'valAccuracy',
        'valMacroRecall',
      ]),
    )
    .option('--seed <n>', 'random seed of weights, order and augmentation (default: 1)', wholeNumber(0))
    .option('--workers <n>', 'number of threads (default: 1)', wholeNumber(1, MOST_WORKERS))
    .addOption(new Option('--backend <name>', 'backend of the training (default: wasm)').choices(['wasm', 'cpu']))
    .addOption(
      new Option('--quantize <type>', 'how the saved weights are stored (default: none)').choices([
        'none',
        'uint8',
        'uint16',
      ]),
    )
    .option('--exclude <list>', 'list of images to leave out, as written by check --fix')
    .option('--votes <csv>', 'soft labels: file,angry,happy,… with votes or probabilities')
    .option('--skip-unreadable', 'leave out images that cannot be read, instead of stopping')
    .option('--no-images', 'leave the pictures of mistakes out of the report')
    .option('--json', 'print metrics.json on standard output')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(
      runCommand(
        async (signal, dir: string, flags: TrainFlags) => (await import('./train-run.js')).runTrain(signal, dir, flags),
        {
          DECODE: 'fer-dcnn check lists such files; --skip-unreadable leaves them out',
          CLASSES: '--classes keeps some, --map joins some, --model names a model of these classes',
          OPTION: 'see: fer-dcnn train --help',
        },
      ),
    );
}

const HELP = `
The run folder holds model.json and weights.bin (a TF.js Layers model), history.json, metrics.json and report.html;
also settings.json and checkpoint.bin, from which --resume continues. Ctrl-C stops after the current step; --resume repeats the
unfinished epoch.
${exitCodeHelp({ ok: 'trained', none: 'wrong usage, data that cannot be read, or a training that failed' })}
Examples:
  fer-dcnn train faces --epochs 30 --out runs/first
  fer-dcnn train faces --out runs/first --resume
  fer-dcnn train faces --model pretrained --exclude faces/exclude.txt --patience 5 --workers 2`;
