import { sha256 } from '@noble/hashes/sha2';
import { type PlainNetwork, plainNetwork } from './plain-network.js';

/** Replacements for missing features of the platform: included in `fer-dcnn/lite`, loaded on demand in `fer-dcnn`. */
export interface Fallbacks {
  /** The network without WebAssembly. */
  plainNetwork(): PlainNetwork | Promise<PlainNetwork>;
  /** The hash without `crypto.subtle`, which exists only on secure pages. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Fallbacks in the same file, for engines and contexts that forbid `import()`, such as service workers. */
export const fallbacks: Fallbacks = { plainNetwork, sha256 };
