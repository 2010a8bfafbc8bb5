import './violations.js';
import { answerMessages, checksOf } from './checks.js';
import * as fer from './node_modules/fer-dcnn/dist/standalone/index.js';

answerMessages(checksOf(fer, fer, fer.tf));
