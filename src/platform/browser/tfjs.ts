import * as cpu from '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import type { Tfjs } from '../tfjs-packages.js';

/** TF.js for functions that cannot wait for it. A bundle that calls none of them leaves this module out. */
export function tfjs(): Tfjs {
  return { core, layers, cpu };
}
