/** Whether bytes begin as a WebAssembly binary does: a server may answer any address with a page of its own. */
export function isWasm(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}
