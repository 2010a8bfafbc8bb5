import type { Fallbacks } from './fallbacks.js';

/** Fallbacks that are loaded on demand: nearly every engine has WebAssembly, and nearly every page has `crypto.subtle`. */
export const fallbacksOnDemand: Fallbacks = {
  plainNetwork: async () => (await import('./plain-network.js')).plainNetwork(),
  sha256: async (bytes) => (await import('@noble/hashes/sha2')).sha256(bytes),
};
