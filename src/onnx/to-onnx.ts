import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkIsUsable } from '../classify/layers-model-like.js';
import { FerError } from '../errors.js';
import { optionsOf } from '../options.js';
import { metadataOf } from '../tfjs/model/metadata.js';
import { classNamesOf, specOf } from '../tfjs/model/model-spec.js';
import { type Quantization, quantizationRule } from '../tfjs/model/quantize.js';
import { OnnxGraph } from './onnx-graph.js';
import { LAYER_WRITERS } from './onnx-layers.js';
import { ELEMENT, type OnnxValueInfo } from './onnx-types.js';

export interface ToOnnxOptions {
  /**
   * How kernels are stored. Biases stay float32, and all computations are in float32, as in TF.js with a model that
   * `saveModel` stored in the same way.
   * @default 'none'
   */
  quantize?: Quantization;
}

/**
 * Writes a model as ONNX (operator set 13), for onnxruntime in Python, C#, C++, Java or a browser. Its input `images`
 * is the input of the TF.js model, [n,height,width,channels], normalized; its output `probabilities` is [n,classes]. The
 * metadata of the ONNX model has `classes` and `normalization`.
 *
 * @param model - A sequence of layers: convolutions, depthwise convolutions, pooling, batch normalization, dense, dropout,
 * flatten, reshape, zero padding and activations.
 * @returns The bytes of an `.onnx` file.
 * @throws FerError `MODEL` for a model that is not a sequence or has another layer (the message names it); `OPTION` for an unknown
 * quantization; `NOT_FINITE` when a weight is NaN or infinite.
 * @see https://onnx.ai/onnx/operators/
 * @example
 * await writeFile('model.onnx', await toOnnx(await loadPretrained()));
 */
export async function toOnnx(model: LayersModel, options: ToOnnxOptions = {}): Promise<Uint8Array> {
  checkOptions(options);
  const { quantize = 'none' } = options;
  checkIsUsable(model);
  const spec = specOf(model);
  checkChain(model);
  const graph = new OnnxGraph(INPUT, quantize);
  for (const layer of model.layers) {
    const write = LAYER_WRITERS[layer.getClassName()];
    if (write === undefined) {
      throw new FerError('MODEL', `the layer ${layer.name} (${layer.getClassName()}) cannot be converted to ONNX`);
    }
    write(graph, layer);
  }
  graph.arrange('last');
  graph.nodes.push({ opType: 'Identity', name: OUTPUT, input: [graph.value], output: [OUTPUT], attribute: [] });

  const { normalization = 'unit' } = metadataOf(model);
  const { encodeOnnx } = await import('./onnx-schema.js');
  return encodeOnnx({
    // The version of ONNX 1.8, which introduced operator set 13.
    irVersion: 7,
    producerName: 'fer-dcnn',
    opsetImport: [{ domain: '', version: 13 }],
    metadataProps: [
      { key: 'classes', value: JSON.stringify(classNamesOf(model)) },
      { key: 'normalization', value: normalization },
    ],
    graph: {
      name: model.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: [tensorInfo(INPUT, [spec.height, spec.width, spec.channels])],
      output: [tensorInfo(OUTPUT, [spec.classes])],
    },
  });
}

const checkOptions = optionsOf<ToOnnxOptions>('toOnnx', () => ({ quantize: quantizationRule }));

const INPUT = 'images';
const OUTPUT = 'probabilities';

/** Every layer's only input is the output of the layer before it. */
function checkChain({ layers }: LayersModel): void {
  layers.forEach((layer, i) => {
    const sources = layer.inboundNodes.flatMap((node) => node.inboundLayers);
    const before = i === 0 ? undefined : layers[i - 1];
    const fits = sources.length === 0 ? i === 0 || before?.getClassName() === 'InputLayer' : sources.length === 1;
    if (!fits || (sources.length === 1 && before !== undefined && sources[0] !== before)) {
      throw new FerError(
        'MODEL',
        `only sequences of layers can be converted to ONNX; ${layer.name} has other inputs than the layer before it`,
      );
    }
  });
}

function tensorInfo(name: string, sizes: readonly number[]): OnnxValueInfo {
  const dim = [{ dimParam: 'n' }, ...sizes.map((size) => ({ dimValue: size }))];
  return { name, type: { tensorType: { elemType: ELEMENT.float32, shape: { dim } } } };
}
