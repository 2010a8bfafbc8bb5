export { type LoadPretrainedOptions, loadPretrained } from './load-pretrained.js';
export { type Pretrained, pretrained } from './pretrained.js';
