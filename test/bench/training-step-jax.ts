import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';

/**
 * The exact network's training step in jax-js on its wasm backend, as one compiled function; without dropout, which
 * would cost it more.
 *
 * @returns Takes one step and gives its time in ms; null where jax-js does not run (it wants Node 22).
 */
export async function startJax(batch: number): Promise<(() => Promise<number>) | null> {
  try {
    await init('wasm');
    defaultDevice('wasm');
    const step = jaxStep(batch);
    await step();
    return step;
  } catch (error) {
    console.log(`jax-js does not run here: ${error}\n`);
    return null;
  }
}

type Weights = np.Array[];

function jaxStep(batch: number): () => Promise<number> {
  const shapes = [[32, 1, 3, 3], [32], [32, 32, 3, 3], [32], [2048, 256], [256], [256, 5], [5]];
  const filled = (shape: number[], i: number) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => 0.05 * Math.sin(k * (i + 1)));
    return np.array(values).reshape(shape);
  };
  let weights = shapes.map(filled);
  let means: Weights = shapes.map((shape) => np.zeros(shape));
  let squares: Weights = shapes.map((shape) => np.zeros(shape));
  const xs = filled([batch, 1, 32, 32], 9);
  const ys = nn.oneHot(
    np.array(
      Array.from({ length: batch }, (_, i) => i % 5),
      { dtype: np.int32 },
    ),
    5,
  );

  const block = (x: np.Array, kernel: np.Array, bias: np.Array, size: number) => {
    const convolved = lax.conv(x, kernel, [1, 1], 'SAME').add(bias.reshape([1, 32, 1, 1]));
    return np.max(nn.relu(convolved).reshape([batch, 32, size / 2, 2, size / 2, 2]), [3, 5]);
  };
  const loss = ([k1, b1, k2, b2, w3, b3, w4, b4]: Weights, x: np.Array, y: np.Array) => {
    const pooled = block(block(x, k1, b1, 32), k2, b2, 16);
    const hidden = nn.relu(np.dot(pooled.reshape([batch, 2048]), w3).add(b3));
    const logits = np.dot(hidden, w4).add(b4);
    return np.mean(np.sum(nn.logSoftmax(logits).mul(y), 1)).mul(-1);
  };
  const adam = jit((w: Weights, m: Weights, v: Weights, x: np.Array, y: np.Array) => {
    const [value, gradients] = valueAndGrad(loss)(
      w.map((each) => each.ref),
      x,
      y,
    ) as [np.Array, Weights];
    const newM = m.map((each, i) => each.mul(0.9).add(gradients[i].ref.mul(0.1)));
    const newV = v.map((each, i) => each.mul(0.999).add(gradients[i].ref.mul(gradients[i]).mul(0.001)));
    const newW = w.map((each, i) => each.sub(newM[i].ref.div(np.sqrt(newV[i].ref).add(1e-7)).mul(1e-3)));
    return [value, newW, newM, newV] as [np.Array, Weights, Weights, Weights];
  });
  return async () => {
    const began = performance.now();
    const [value, ...rest] = adam(weights, means, squares, xs.ref, ys.ref);
    [weights, means, squares] = rest;
    await blockUntilReady([value, ...weights.map((each) => each.ref)]);
    if (!Number.isFinite(value.js() as number)) throw new Error('the loss is no number');
    return performance.now() - began;
  };
}
