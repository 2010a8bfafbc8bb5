/**
 * Describes a value in a few words, for an error message. It never throws, even if the value's getters do.
 *
 * @example
 * describeInput(new Uint8Array(3)); // 'Uint8Array of 3 bytes'
 */
export function describeInput(value: unknown): string {
  if (typeof value === 'string' && /^data:/i.test(value)) return dataAddress(value);
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return 'a bigint';
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return describeObject(value);
  } catch {
    return 'an object that cannot be inspected';
  }
}

/** Most characters of a name in a message. */
const LONGEST = 200;

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

/** A `data:` address can be as long as its picture. */
function dataAddress(text: string): string {
  const type = /^data:([\w.+-]+\/[\w.+-]+)/i.exec(text.slice(0, LONGEST))?.[1];
  return `a data: address of ${text.length.toLocaleString('en')} characters${type === undefined ? '' : `, ${type}`}`;
}

function describeObject(value: object): string {
  if (typeof URL !== 'undefined' && value instanceof URL) {
    return value.protocol === 'data:' ? dataAddress(value.href) : cut(value.href);
  }

  if (typeof (value as Partial<Promise<unknown>>).then === 'function') return 'a Promise (await is missing)';
  const given: unknown = value.constructor?.name;
  const name = typeof given === 'string' && given !== '' ? given.slice(0, 100) : 'Object';
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `${name} of ${value.byteLength} bytes`;
  if (typeof Blob !== 'undefined' && value instanceof Blob) return `${name} of ${value.size} bytes`;
  if (name === 'Object') {
    const keys = Object.keys(value).slice(0, 8).join(', ');
    return keys ? `an object with the keys ${keys}` : 'an object without keys';
  }
  return `${/^(?:[AEIO]|HTML)/.test(name) ? 'an' : 'a'} ${name}`;
}
