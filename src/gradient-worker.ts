import { parentPort } from 'node:worker_threads';
import { takePartInSteps } from './tfjs/train/gradient-worker.js';

const port = parentPort!;
takePartInSteps({
  post: (message) => port.postMessage(message),
  listen: (onMessage) => void port.on('message', onMessage),
});
