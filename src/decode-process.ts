import { answerRequests } from './platform/node/decode-process.js';

answerRequests();
