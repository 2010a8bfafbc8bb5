export { type Pretrained, pretrained } from './network/pretrained.js';
export { type LoadPretrainedOptions, loadPretrained } from './tfjs/model/load-pretrained.js';
