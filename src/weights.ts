export { type LoadPretrainedOptions, loadPretrained } from './tfjs/model/load-pretrained.js';
export { type Pretrained, pretrained } from './tfjs/model/pretrained.js';
