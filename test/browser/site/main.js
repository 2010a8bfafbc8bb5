import './violations.js';
import * as tf from '@tensorflow/tfjs-core';
import * as fer from 'fer-dcnn';
import * as kernels from 'fer-dcnn/kernels';
import * as weights from 'fer-dcnn/weights';
import { checksOf, offer } from './checks.js';

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
offer(checksOf({ ...fer, ...kernels }, weights, tf), worker);
