import { sha256 } from '@noble/hashes/sha2';
import { type PlainNetwork, plainNetwork } from './plain-network.js';

/** What runs where the platform lacks something: in `fer-dcnn/lite` at hand, in `fer-dcnn` loaded when it is needed. */
export interface Fallbacks {
  /** The network without WebAssembly. */
  plainNetwork(): PlainNetwork | Promise<PlainNetwork>;
  /** The hash without `crypto.subtle`, which only secure pages have. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** All in the same file: for engines and places that forbid `import()`, such as service workers. */
export const fallbacks: Fallbacks = { plainNetwork, sha256 };
