/**
 * Makes a WebAssembly module import a shared memory: the code stays as it is, only the type of the imported memory changes.
 *
 * @param {Uint8Array} bytes - A module that imports one memory that is not shared.
 * @param {number} maximum - Pages of 64 KB; a shared memory must have a limit.
 * @returns {Uint8Array} The same module for a shared memory.
 */
export function shareMemory(bytes, maximum) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const section = bytes[at++];
    const end = number() + at;
    if (section !== IMPORTS) {
      at = end;
      continue;
    }
    const body = [...leb128(number())];
    while (at < end) {
      const entry = at;
      // Two names: of the module, and in the module.
      for (let name = 0; name < 2; name++) {
        const length = number();
        at += length;
      }
      const kind = bytes[at++];
      body.push(...bytes.subarray(entry, at));
      if (kind === MEMORY) {
        if (bytes[at++] !== 0) throw new Error('the imported memory is shared already, or has a limit');
        body.push(SHARED_WITH_LIMIT, ...leb128(number()), ...leb128(maximum));
      } else if (kind === FUNCTION) {
        body.push(...leb128(number()));
      } else {
        throw new Error(`imports of kind ${kind} are not expected`);
      }
    }
    return Uint8Array.of(...bytes.subarray(0, start), IMPORTS, ...leb128(body.length), ...body, ...bytes.subarray(end));
  }
  throw new Error('the module imports no memory');
}

const IMPORTS = 2;
const FUNCTION = 0;
const MEMORY = 2;
const SHARED_WITH_LIMIT = 3;

/** A number as WebAssembly's binary format stores it: seven bits per byte, the lowest first. */
function leb128(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}
