import { parentPort } from 'node:worker_threads';
import { answerGradientRequests } from '../train/gradient-worker.js';

const port = parentPort!;
answerGradientRequests({
  post: (message) => port.postMessage(message),
  listen: (onMessage) => void port.on('message', onMessage),
});
