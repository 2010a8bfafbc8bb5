// log-probabilities of a model on tune sets: tsx dump.ts <out> <weights dir | start.f32>
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { buildModel, useBackend } from './src/index.js';
import { loadModel } from './src/node/index.js';
import { resample } from './src/image/resample.js';
import { normalize } from './src/image/normalize.js';
await useBackend('wasm');
const [out, source] = process.argv.slice(2);
let model: any;
if (source.endsWith('.f32')) {
  model = buildModel({ seed: 1, dropout: 0 });
  const b = readFileSync(source); const v = new Float32Array(b.buffer, b.byteOffset, b.length / 4);
  let at = 0;
  model.setWeights(model.getWeights().map((w: any) => { const t = tf.tensor(v.slice(at, at + w.size), w.shape); at += w.size; return t; }));
} else model = await loadModel(source);
for (const [set, size] of [['ferTune', 48], ['photoTune', 64], ['web', 64]] as const) {
  const raw = readFileSync(`/tmp/h/gpu/data/${set}.raw`); const n = raw.length / size / size;
  const rows = new Float32Array(n * 1024);
  for (let i = 0; i < n; i++) rows.set(normalize(resample({ data: raw.subarray(i * size * size, (i + 1) * size * size), width: size, height: size, channels: 1 }), { normalization: 'localContrast' }), i * 1024);
  const p = tf.tidy(() => model.predict(tf.tensor4d(rows, [n, 32, 32, 1])) as tf.Tensor);
  writeFileSync(`/tmp/h/gpu/lp-${out}-${set}.f32`, new Uint8Array((await p.data() as Float32Array).slice().buffer));
}
