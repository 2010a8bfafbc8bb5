import * as tf from '@tensorflow/tfjs-core';
import type { Kernel } from './override.js';

/** `Einsum` of one or two tensors, as one batched matrix product. */
export const einsum: Kernel = ({ inputs, attrs }) => {
  const tensors = Object.values(inputs);
  const equation = attrs.equation as string;
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors);
  const { terms, result } = partsOf(equation);

  const others = (i: number) => [...terms.filter((_, other) => other !== i), result].join('');
  const [a, b] = tensors.map((tensor, i) => withoutAxes(tensor, terms[i], others(i)));
  if (tensors.length === 1) return inOrder(a.tensor, a.axes, result);
  return product(a, b, result);
};

/** The gradient of `Einsum`; TF.js has none. */
export const einsumGradient: tf.GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc(dy, saved, attrs) {
    const { terms, result } = partsOf(attrs.equation as string);
    const gradients = saved.map((tensor, i) => () => {
      const others = terms.filter((_, other) => other !== i);
      const axes = [...terms[i]].filter((axis) => result.includes(axis) || others.join('').includes(axis)).join('');
      const factors = saved.filter((_, other) => other !== i);
      const sum = tf.einsum(`${[result, ...others].join(',')}->${axes}`, dy as tf.Tensor, ...factors);
      // Along summed axes that only this tensor has, every value has the same gradient.
      const kept = tensor.shape.map((size, axis) => (axes.includes(terms[i][axis]) ? size : 1));
      return tf.broadcastTo(tf.reshape(sum, kept), tensor.shape);
    });
    return gradients as unknown as ReturnType<tf.GradFunc>;
  },
};

interface Named {
  tensor: tf.Tensor;
  /** One letter per axis. */
  axes: string;
}

function partsOf(equation: string): { terms: string[]; result: string } {
  const [left, result] = equation.replace(/\s/g, '').split('->');
  return { terms: left.split(','), result };
}

/** The tensor summed over the axes that appear nowhere else. */
function withoutAxes(tensor: tf.Tensor, axes: string, others: string): Named {
  const gone = [...axes].flatMap((axis, i) => (others.includes(axis) ? [] : [i]));
  if (gone.length === 0) return { tensor, axes };
  return { tensor: tf.sum(tensor, gone), axes: [...axes].filter((axis) => others.includes(axis)).join('') };
}

function product(a: Named, b: Named, result: string): tf.Tensor {
  const stacked = [...result].filter((axis) => a.axes.includes(axis) && b.axes.includes(axis));
  const rows = [...result].filter((axis) => a.axes.includes(axis) && !b.axes.includes(axis));
  const columns = [...result].filter((axis) => !a.axes.includes(axis) && b.axes.includes(axis));
  const summed = [...a.axes].filter((axis) => b.axes.includes(axis) && !result.includes(axis));
  const sizes = new Map([a, b].flatMap(({ tensor, axes }) => [...axes].map((axis, i) => [axis, tensor.shape[i]])));
  const size = (axes: string[]) => axes.reduce((total, axis) => total * sizes.get(axis)!, 1);

  const left = inOrder(a.tensor, a.axes, [...stacked, ...rows, ...summed].join(''));
  const right = inOrder(b.tensor, b.axes, [...stacked, ...summed, ...columns].join(''));
  const products = tf.matMul(
    tf.reshape(left, [size(stacked), size(rows), size(summed)]),
    tf.reshape(right, [size(stacked), size(summed), size(columns)]),
  );
  const axes = [...stacked, ...rows, ...columns];
  const shaped = tf.reshape(
    products,
    axes.map((axis) => sizes.get(axis)!),
  );
  return inOrder(shaped, axes.join(''), result);
}

function inOrder(tensor: tf.Tensor, axes: string, wanted: string): tf.Tensor {
  if (axes === wanted) return tf.clone(tensor);
  return tf.transpose(
    tensor,
    [...wanted].map((axis) => axes.indexOf(axis)),
  );
}
