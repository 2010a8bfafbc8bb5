import * as cpu from '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import type { Tfjs } from '../tfjs-packages.js';

/** TF.js for synchronous functions. A bundle without such functions leaves this module out. */
export function tfjs(): Tfjs {
  return { core, layers, cpu };
}
