import './violations.js';
import * as tf from '@tensorflow/tfjs-core';
import * as fer from 'fer-dcnn';
import * as kernels from 'fer-dcnn/kernels';
import * as weights from 'fer-dcnn/weights';
import { answerMessages, checksOf } from './checks.js';

answerMessages(checksOf({ ...fer, ...kernels }, weights, tf));
