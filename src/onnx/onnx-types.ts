/** Types of tensor elements, with ONNX's numbers. */
export const ELEMENT = { float32: 1, uint8: 2, uint16: 4, int64: 7, float16: 10 } as const;

/** A value of a node's attribute, tagged by its type. */
export type OnnxAttribute =
  | { name: string; type: 1; f: number }
  | { name: string; type: 2; i: number }
  | { name: string; type: 3; s: Uint8Array }
  | { name: string; type: 7; ints: readonly number[] };

export interface OnnxNode {
  opType: string;
  name: string;
  input: readonly string[];
  output: readonly string[];
  attribute: readonly OnnxAttribute[];
}

export interface OnnxTensor {
  name: string;
  dims: readonly number[];
  dataType: number;
  rawData: Uint8Array;
}

export interface OnnxValueInfo {
  name: string;
  type: { tensorType: { elemType: number; shape: { dim: ({ dimValue: number } | { dimParam: string })[] } } };
}

export interface OnnxModel {
  irVersion: number;
  producerName: string;
  opsetImport: { domain: string; version: number }[];
  metadataProps: { key: string; value: string }[];
  graph: {
    name: string;
    node: OnnxNode[];
    initializer: OnnxTensor[];
    input: OnnxValueInfo[];
    output: OnnxValueInfo[];
  };
}
