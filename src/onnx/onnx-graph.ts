import { type Quantization, quantize } from '../tfjs/model/quantize.js';
import { ELEMENT, type OnnxAttribute, type OnnxNode, type OnnxTensor } from './onnx-types.js';

/** An attribute: a whole number, a list of them, `{ float }` or `{ text }`. */
export type AttributeValue = number | readonly number[] | { float: number } | { text: string };

/**
 * An ONNX graph that grows at its end. Images have ONNX's layout, [n,channels,height,width], from the first layer that needs it.
 * Before that, and where a layer depends on it, they have TF.js's layout, [n,height,width,channels].
 */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  /** Name of the last value. */
  value: string;
  /** Whether the last value is an image with channels first. */
  channelsFirst = false;
  readonly #quantization: Quantization;
  #count = 0;

  constructor(input: string, quantization: Quantization) {
    this.value = input;
    this.#quantization = quantization;
  }

  /** Adds a node whose inputs are the last value and `weights`; its output is the new last value. */
  add(opType: string, attributes: Record<string, AttributeValue> = {}, weights: readonly string[] = []): void {
    this.value = this.#node(opType, [this.value, ...weights], attributes);
  }

  /** Adds a node with any inputs, and returns the name of its output. */
  node(opType: string, inputs: readonly string[], attributes: Record<string, AttributeValue> = {}): string {
    return this.#node(opType, inputs, attributes);
  }

  /** Moves the channels of an image first, or last, if they are not. */
  arrange(order: 'first' | 'last'): void {
    if (this.channelsFirst === (order === 'first')) return;
    this.add('Transpose', { perm: order === 'first' ? [0, 3, 1, 2] : [0, 2, 3, 1] });
    this.channelsFirst = order === 'first';
  }

  /** Adds weights; kernels (with two axes or more) are quantized. */
  weights(name: string, dims: readonly number[], values: Float32Array): string {
    if (dims.length < 2 || this.#quantization === 'none')
      return this.#tensor(name, dims, ELEMENT.float32, bytesOf(values));
    const stored = quantize(values, this.#quantization);
    if (stored.quantization === undefined) return this.#tensor(name, dims, ELEMENT.float32, stored.bytes);
    const { dtype, scale, min } = stored.quantization;
    const bytes = this.#tensor(`${name}_${dtype}`, dims, ELEMENT[dtype], stored.bytes);
    const values32 = this.#node('Cast', [bytes], { to: ELEMENT.float32 });
    if (scale === undefined) return values32;
    // With plain operators, to get the same values as TF.js. For DequantizeLinear, onnxruntime uses 8-bit products, which differ by 4e-4.
    const scaled = this.#node('Mul', [values32, this.scalar(`${name}_scale`, scale)], {});
    return this.#node('Add', [scaled, this.scalar(`${name}_min`, min)], {});
  }

  /** Adds whole numbers, such as a shape. */
  integers(name: string, values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#tensor(name, [values.length], ELEMENT.int64, new Uint8Array(data.buffer));
  }

  /** Adds one number. */
  scalar(name: string, value: number): string {
    return this.#tensor(name, [], ELEMENT.float32, bytesOf(Float32Array.of(value)));
  }

  #node(opType: string, input: readonly string[], attributes: Record<string, AttributeValue>): string {
    const output = `${opType.toLowerCase()}_${this.#count++}`;
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.nodes.push({ opType, name: output, input, output: [output], attribute });
    return output;
  }

  #tensor(name: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    this.initializers.push({ name, dims, dataType, rawData });
    return name;
  }
}

function attributeOf(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('text' in value) return { name, type: 3, s: new TextEncoder().encode(value.text) };
  return { name, type: 7, ints: value };
}

/** ONNX is little-endian, like all platforms of TF.js. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}
