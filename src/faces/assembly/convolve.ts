import { row, stridedRow } from './block';
import { firstRow } from './first';
import * as integers from './integers';
import { layer, rowOf } from './layers';
import { INTEGERS, ROWS } from './layout';

/** Computes row `j` of the output of layer `index`, which is the input of the next layer. Channels are counted in V. */
export function makeRow<V>(index: i32, j: i32): void {
  const one = layer(index), next = layer(index + 1);
  const out = rowOf(next, j) + one.to;
  const columns = next.width;
  // The rows under the filter.
  const top = index == 0 ? 2 * j - 1 : one.stride == 2 ? 2 * j : j - 1;
  const size = index == 0 ? 5 : 3;
  for (let k = 0; k < size; k++) store<usize>(ROWS + (<usize>k << 2), rowOf(one, top + k));
  if (index == 0) {
    if (INTEGERS) integers.firstRow(out, columns);
    else firstRow<V>(out, columns);
  } else if (INTEGERS) {
    if (one.stride == 2) integers.stridedRow(index, out, columns);
    else integers.row(one.depthwise, one.pointwise, one.bias, one.from, out, columns);
  } else if (one.stride == 2) stridedRow<V>(index, out, columns);
  else row<V>(one.depthwise, one.pointwise, one.bias, one.from, out, columns);
  // Pixels are computed four or six at a time: values after the end of the row are reset to its zero padding.
  memory.fill(out + <usize>columns * one.to, 0, one.to);
}
