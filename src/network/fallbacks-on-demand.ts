import type { Fallbacks } from './fallbacks.js';

/** Loaded when they are needed: nearly every engine has WebAssembly, and nearly every page `crypto.subtle`. */
export const fallbacksOnDemand: Fallbacks = {
  plainNetwork: async () => (await import('./plain-network.js')).plainNetwork(),
  sha256: async (bytes) => (await import('@noble/hashes/sha2')).sha256(bytes),
};
