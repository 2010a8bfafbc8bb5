import { joined } from '../../src/tfjs/joined.js';

/**
 * The exact network as an ONNX file, from weights in TF.js's layout: input `x` [n,1,32,32], output `y` [n,5].
 * Written by hand, since the format (protocol buffers, onnx.proto3) is small where it is needed here.
 */
export function onnxNetwork(weights: readonly Float32Array[]): Uint8Array {
  const [k1, b1, k2, b2, w1, c1, w2, c2] = weights;
  const graph = message(
    ...[conv('x', 'k1', 'b1', 'a'), node('Relu', ['a'], 'b'), pool('b', 'c')].map((bytes) => field(1, bytes)),
    ...[conv('c', 'k2', 'b2', 'd'), node('Relu', ['d'], 'e'), pool('e', 'f')].map((bytes) => field(1, bytes)),
    ...[node('Flatten', ['f'], 'g'), node('Gemm', ['g', 'w1', 'c1'], 'h')].map((bytes) => field(1, bytes)),
    ...[node('Relu', ['h'], 'i'), node('Gemm', ['i', 'w2', 'c2'], 'j')].map((bytes) => field(1, bytes)),
    field(1, node('Softmax', ['j'], 'y', [attribute('axis', 1)])),
    field(2, text('fer_dcnn')),
    field(5, tensor('k1', [32, 1, 3, 3], toOihw(k1, 1))),
    field(5, tensor('b1', [32], b1)),
    field(5, tensor('k2', [32, 32, 3, 3], toOihw(k2, 32))),
    field(5, tensor('b2', [32], b2)),
    field(5, tensor('w1', [2048, 256], channelsFirst(w1))),
    field(5, tensor('c1', [256], c1)),
    field(5, tensor('w2', [256, 5], w2)),
    field(5, tensor('c2', [5], c2)),
    field(11, valueInfo('x', [1, 32, 32])),
    field(12, valueInfo('y', [5])),
  );
  return message(number(1, 8), field(8, message(field(1, text('')), number(2, 13))), field(7, graph));
}

function toOihw(kernel: Float32Array, inChannels: number): Float32Array {
  const out = new Float32Array(kernel.length);
  for (let tap = 0; tap < 9; tap++) {
    for (let i = 0; i < inChannels; i++) {
      for (let o = 0; o < 32; o++) out[(o * inChannels + i) * 9 + tap] = kernel[(tap * inChannels + i) * 32 + o];
    }
  }
  return out;
}

/** Rows by [channel, pixel] instead of [pixel, channel]. */
function channelsFirst(kernel: Float32Array): Float32Array {
  const out = new Float32Array(kernel.length);
  for (let pixel = 0; pixel < 64; pixel++) {
    for (let c = 0; c < 32; c++) {
      const row = (pixel * 32 + c) * 256;
      out.set(kernel.subarray(row, row + 256), (c * 64 + pixel) * 256);
    }
  }
  return out;
}

function conv(x: string, kernel: string, bias: string, y: string): Uint8Array {
  return node('Conv', [x, kernel, bias], y, [attribute('kernel_shape', [3, 3]), attribute('pads', [1, 1, 1, 1])]);
}

function pool(x: string, y: string): Uint8Array {
  return node('MaxPool', [x], y, [attribute('kernel_shape', [2, 2]), attribute('strides', [2, 2])]);
}

function node(type: string, inputs: string[], output: string, attributes: Uint8Array[] = []): Uint8Array {
  return message(
    ...inputs.map((name) => field(1, text(name))),
    field(2, text(output)),
    field(4, text(type)),
    ...attributes.map((bytes) => field(5, bytes)),
  );
}

function attribute(name: string, value: number | number[]): Uint8Array {
  const [INT, INTS] = [2, 7];
  if (typeof value === 'number') return message(field(1, text(name)), number(3, value), number(20, INT));
  return message(field(1, text(name)), ...value.map((item) => number(8, item)), number(20, INTS));
}

const FLOAT = 1;

function tensor(name: string, shape: number[], values: Float32Array): Uint8Array {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(...shape.map((size) => number(1, size)), number(2, FLOAT), field(8, text(name)), field(9, raw));
}

/** A tensor of any number of rows of this shape. */
function valueInfo(name: string, shape: number[]): Uint8Array {
  const sizes = [field(1, message(field(2, text('n')))), ...shape.map((size) => field(1, message(number(1, size))))];
  const type = message(field(1, message(number(1, FLOAT), field(2, message(...sizes)))));
  return message(field(1, text(name)), field(2, type));
}

// --- protocol buffers ---

function message(...fields: Uint8Array[]): Uint8Array {
  return joined(fields, Uint8Array);
}

function field(id: number, bytes: Uint8Array): Uint8Array {
  return message(varint(id * 8 + 2), varint(bytes.length), bytes);
}

function number(id: number, value: number): Uint8Array {
  return message(varint(id * 8), varint(value));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Uint8Array.from([...bytes, value]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
