import { extname } from 'node:path';
import { Command, Option } from 'commander';
import { writeFileWhole } from '../platform/node/write-file.js';
import { safeText } from '../safe-text.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { runCommand } from './run-command.js';

interface ConvertFlags {
  to: 'tfjs' | 'onnx';
  out: string;
  quantize: 'none' | 'uint8' | 'uint16' | 'float16';
}

/** `fer-dcnn convert [model] --to tfjs|onnx --out <path>` */
export function convertCommand(): Command {
  return new Command('convert')
    .description('Convert a model: for TF.js, or to ONNX for Python, C#, C++ and others.')
    .argument('[model]', 'folder or model.json of a TF.js Layers model (default: the pretrained weights)')
    .addOption(new Option('--to <format>', 'tfjs or onnx').choices(['tfjs', 'onnx']).makeOptionMandatory())
    .requiredOption('--out <path>', 'the folder for tfjs, the file for onnx')
    .addOption(
      new Option('--quantize <type>', 'how the weights are stored')
        .choices(['none', 'uint8', 'uint16', 'float16'])
        .default('none'),
    )
    .addHelpText('after', HELP)
    .action(runCommand(run, { MODEL: 'only sequences of layers can be converted' }));
}

const HELP = `
The ONNX model (operator set 13) takes "images", float32 [n,32,32,1], normalised as its metadata "normalization" says,
and gives "probabilities", [n,classes], in the order of its metadata "classes". Quantized weights take fewer bytes; both
formats compute in float32. The pretrained weights have 8 bits: uint8 does not change them.
${exitCodeHelp({ ok: 'written', none: 'wrong usage, or a model that cannot be read or converted: nothing was written' })}
Examples:
  fer-dcnn convert --to onnx --out fer.onnx
  fer-dcnn convert runs/first --to onnx --quantize float16 --out first.onnx
  fer-dcnn convert runs/first --to tfjs --quantize uint8 --out first-small`;

async function run(_: AbortSignal, path: string | undefined, { to, out, quantize }: ConvertFlags): Promise<ExitCode> {
  // Not at the start: `--help` needs no TF.js.
  const { openModel } = await import('./open-model.js');
  const { saveModel, toOnnx } = await import('../node.js');
  const model = await openModel(path);
  if (to === 'tfjs') await saveModel(model, out, { quantize });
  else await writeFileWhole(out, await toOnnx(model, { quantize }));
  model.dispose();
  const hint = to === 'onnx' && extname(out) !== '.onnx' ? ' (such files are usually named .onnx)' : '';
  process.stdout.write(`${safeText(out)}${hint}\n`);
  return EXIT.ok;
}
