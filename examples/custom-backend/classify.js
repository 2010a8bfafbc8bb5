/*
 * Runs the pretrained network on your own backend, ONNX Runtime:
 *
 *   npm install && npm start [face.jpg …]
 */
import { classify, registerBackend, useBackend } from 'fer-dcnn';
import { onnxBackend } from './onnx-backend.js';

const files = process.argv.slice(2);
if (files.length === 0) files.push('face.jpg');

registerBackend('onnx', onnxBackend);
await useBackend('onnx');
for (const [i, predictions] of (await classify(files)).entries()) console.log(files[i], predictions);
