import { Command } from 'commander';
import { percent } from '../report/percent.js';
import { safeText } from '../safe-text.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { runCommand } from './run-command.js';

/** `fer-dcnn summary [model]` */
export function summaryCommand(): Command {
  return new Command('summary')
    .description('Show the layers, shapes, parameters and metadata of a model.')
    .argument('[model]', 'folder or model.json of a TF.js Layers model (default: the pretrained weights)')
    .option('--json', 'print JSON: { layers: [{ name, type, outputShape, parameters }], parameters, metadata }')
    .addHelpText('after', HELP)
    .action(runCommand(run));
}

const HELP = `${exitCodeHelp({ ok: 'shown', none: 'wrong usage, or a model that cannot be read' })}
Examples:
  fer-dcnn summary
  fer-dcnn summary runs/first`;

async function run(_: AbortSignal, path: string | undefined, { json }: { json?: true }): Promise<ExitCode> {
  // Not at the start: `--help` needs no TF.js.
  const { openModel } = await import('./open-model.js');
  const model = await openModel(path);
  const { metadataOf } = await import('../tfjs/model/metadata.js');
  const metadata = metadataOf(model);
  if (json) {
    const layers = model.layers.map((layer) => ({
      name: layer.name,
      type: layer.getClassName(),
      outputShape: layer.outputShape,
      parameters: layer.countParams(),
    }));
    process.stdout.write(`${JSON.stringify({ layers, parameters: model.countParams(), metadata }, null, 2)}\n`);
  } else {
    const { version, sha256, classes, normalization, metrics } = metadata;
    const weights = [version && `version ${version}`, sha256 && `sha256 ${sha256}`].filter(Boolean);
    const known = [
      weights.length > 0 && `Weights: ${weights.join(', ')}`,
      classes && `Classes: ${classes.join(', ')}`,
      normalization && `Normalization: ${normalization}`,
      typeof metrics?.accuracy === 'number' && `Accuracy: ${percent(metrics.accuracy)} (${metrics.measuredOn})`,
    ].filter((line) => typeof line === 'string');
    const { summary } = await import('../index.js');
    const lines = [...summary(model).split('\n'), ...known];
    process.stdout.write(lines.map((line) => `${safeText(line)}\n`).join(''));
  }
  model.dispose();
  return EXIT.ok;
}
