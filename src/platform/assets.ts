import { runtime } from '#runtime';
import { describeInput } from '../describe-input.js';
import { FerError, type FerErrorCode } from '../errors.js';
import type { UrlLike, WasmModule } from '../global-types.js';
import { nearest, type Rule } from '../options.js';

/**
 * The location of this package's binaries: a base address (in Node it may be the path of a folder), or a map from file name to an
 * address or to the content. Files that are missing in a map are read from this package.
 *
 * @example
 * const assets: Assets = '/static/fer-dcnn/';
 * @example
 * const assets: Assets = { 'weights.bin': bytes, 'network-simd.wasm': module };
 */
export type Assets = string | UrlLike | Readonly<Record<string, AssetSource | undefined>>;

/** A binary: its address, its bytes or, for a `.wasm` file, the compiled module. */
export type AssetSource = string | UrlLike | ArrayBuffer | Uint8Array | WasmModule;

/** A binary of this package, and a check that distinguishes it from other files. */
export interface ShippedFile {
  /** Its name, as in {@link Assets}. */
  name: string;
  /** Its default locations, most likely first. */
  shipped(): URL[];
  /** Whether bytes are such a file: servers may answer unknown addresses with a page. */
  accept(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Code of the error when it is not found. */
  code: FerErrorCode;
}

/** The content of a file, and its address if it has one. */
export interface FoundAsset {
  content: Uint8Array<ArrayBuffer> | WebAssembly.Module;
  url?: URL;
}

/**
 * Reads a binary of this package.
 *
 * @throws FerError with the file's `code`; the message lists the tried addresses. `OPTION` for an invalid `assets`.
 */
export async function readAsset(file: ShippedFile, assets?: Assets): Promise<FoundAsset> {
  const source = assets === undefined ? undefined : assetSource(assets, file.name);
  if (isModule(source)) return { content: source };
  if (isBytes(source)) {
    return { content: bytesOf(source) };
  }
  const candidates = addressesOf(() => (source === undefined ? file.shipped() : [runtime.toUrl(String(source))]));
  const found = await runtime.readAsset(candidates, file.accept);
  if (found !== null) return { content: found.bytes, url: found.url };
  throw new FerError(
    file.code,
    `${file.name} is not at ${candidates.join(' nor ') || 'a known place'}: serve it there, or pass its address or ` +
      'its bytes, by the option assets',
  );
}

/** Reads a binary as bytes; a compiled module is refused. */
export async function readAssetBytes(file: ShippedFile, assets?: Assets): Promise<Uint8Array<ArrayBuffer>> {
  const { content } = await readAsset(file, assets);
  if (!isModule(content)) return content;
  throw new FerError('OPTION', `assets['${file.name}'] is a WebAssembly.Module: pass its bytes or its address`);
}

/** Rule for the option `assets`; the entries of a map are checked when their files are read. */
export const assetsRule: Rule = (value) => void assetSource(value as Assets, 'weights.bin');

/**
 * The entry of `assets` for a file; undefined if a map does not have it.
 *
 * @throws FerError `OPTION` for an invalid `assets`.
 */
export function assetSource(assets: Assets, name: string): AssetSource | undefined {
  if (typeof assets === 'string' || isUrl(assets)) return String(assets).replace(/\/?$/, '/') + name;
  if (typeof assets !== 'object' || assets === null || isBytes(assets) || isModule(assets)) {
    throw new FerError(
      'OPTION',
      `assets must be a base address, or a map such as { '${name}': bytes }, got ${describeInput(assets)}`,
    );
  }
  const source: unknown = Object.hasOwn(assets, name) ? assets[name] : undefined;
  const meant = source === undefined && Object.keys(assets).find((key) => nearest(key, [name]));
  if (meant) throw new FerError('OPTION', `assets has no '${name}': is it '${meant}'?`);
  if (source === undefined || typeof source === 'string' || isUrl(source) || isBytes(source) || isModule(source)) {
    return source;
  }
  throw new FerError('OPTION', `assets['${name}'] must be an address or bytes, got ${describeInput(source)}`);
}

/** WebAssembly's magic number: a server may answer any address with a page. */
export function isWasm(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/** Checked by name, because a module of another window or worker is not an instance of this one's class. */
export function isModule(source: unknown): source is WebAssembly.Module {
  return Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
}

/**
 * Possible addresses of a file of this package, most likely first.
 *
 * A file beside the running module is written as `new URL('…', import.meta.url)`, which bundlers rewrite to its new address.
 * Vite's development server, however, moves only the module, into `node_modules/.vite/deps`. Then the file is still in the
 * package; if the package is in another `node_modules` (of a monorepo), the server returns its address for the module
 * `/@id/fer-dcnn/…?import&url`.
 *
 * @param beside - The file, as written in the module that needs it.
 * @param path - The file's path inside the package.
 * @param moduleUrl - That module's `import.meta.url`.
 */
export function shippedAt(beside: URL, path: string, moduleUrl: string): URL[] {
  const short = addressOfPackage(moduleUrl);
  if (short !== null) return [new URL(`${short}/${path}`), beside];
  const moved = /^(.*\/)node_modules\/\.vite[^/]*\//.exec(moduleUrl);
  if (moved === null) return [beside];
  const [, base] = moved;
  const exported = path.replace(/^dist\//, '');
  return [
    new URL(`${base}node_modules/fer-dcnn/${path}`),
    beside,
    new URL(`${base}@id/fer-dcnn/${exported}?import&url`),
  ];
}

/**
 * The address of the package, if a CDN serves the module at the package's address, such as `/npm/fer-dcnn@0.1.0`, and not at the
 * address of a file.
 */
function addressOfPackage(moduleUrl: string): string | null {
  return /^(https?:[^?#]*\/fer-dcnn(?:@[^/?#]*)?)\/?(?:[?#]|$)/.exec(moduleUrl)?.[1] ?? null;
}

function isBytes(source: unknown): source is Uint8Array | ArrayBuffer {
  return ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === '[object ArrayBuffer]';
}

function isUrl(source: unknown): source is URL {
  return typeof URL !== 'undefined' && source instanceof URL;
}

function bytesOf(source: Uint8Array | ArrayBuffer): Uint8Array<ArrayBuffer> {
  // A detached buffer has none, and no array can be made of it.
  if (!source.byteLength) return new Uint8Array();
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength);
}

/** Undefined without an address: some engines and bundles do not give a module its address, and some have no `URL`. */
function addressesOf(name: () => URL[]): URL[] {
  try {
    return name();
  } catch {
    return [];
  }
}
