/** Numbers of each weight of the network: kernel and bias of conv1, conv2, dense1 and dense2. */
export const WEIGHT_SIZES: readonly number[] = [3 * 3 * 32, 32, 3 * 3 * 32 * 32, 32, 2048 * 256, 256, 256 * 5, 5];
