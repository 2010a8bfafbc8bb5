import './violations.js';
import { checksOf, offer } from './checks.js';
import * as fer from './node_modules/fer-dcnn/dist/standalone/index.js';

offer(checksOf(fer, fer, fer.tf), new Worker('./static-worker.js', { type: 'module' }));
