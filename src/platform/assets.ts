import { runtime } from '#runtime';
import { describeInput } from '../describe-input.js';
import { FerError, type FerErrorCode } from '../errors.js';
import type { UrlLike, WasmModule } from '../global-types.js';
import type { Rule } from '../options.js';

/**
 * Where the binaries of this package lie: a base address (a folder, in Node a path is one), or a map from file name to an
 * address or the content itself. Files that a map leaves out are read from this package.
 *
 * @example
 * const assets: Assets = '/static/fer-dcnn/';
 * @example
 * const assets: Assets = { 'weights.bin': bytes, 'network-simd.wasm': module };
 */
export type Assets = string | UrlLike | Readonly<Record<string, AssetSource | undefined>>;

/** A binary: where it lies, its bytes, or, for a `.wasm` file, the compiled module. */
export type AssetSource = string | UrlLike | ArrayBuffer | Uint8Array | WasmModule;

/** A binary of this package, and how it is told apart from other files. */
export interface ShippedFile {
  /** Its name, as in {@link Assets}. */
  name: string;
  /** Where it lies when nobody says otherwise, most likely first. */
  shipped(): URL[];
  /** Whether bytes are such a file: servers answer unknown addresses with pages. */
  accept(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** What is thrown when it is not found. */
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
 * @throws FerError the file's `code`, naming the addresses that were tried; `OPTION` for an invalid `assets`.
 */
export async function readAsset(file: ShippedFile, assets?: Assets): Promise<FoundAsset> {
  const source = assets === undefined ? undefined : assetSource(assets, file.name);
  if (isModule(source)) return { content: source };
  if (isBytes(source)) {
    return { content: ArrayBuffer.isView(source) ? viewed(source) : new Uint8Array(source) };
  }
  const candidates = addressesOf(() => (source === undefined ? file.shipped() : [runtime.toUrl(String(source))]));
  const found = await runtime.readAsset(candidates, file.accept);
  if (found !== null) return { content: found.bytes, url: found.url };
  throw new FerError(
    file.code,
    `${file.name} is not at ${candidates.join(' nor ') || 'a known place'}: serve it there, or say where it lies, or pass ` +
      'its bytes, by the option assets',
  );
}

/** Reads a binary of which the bytes are needed: a compiled module does not do. */
export async function readAssetBytes(file: ShippedFile, assets?: Assets): Promise<Uint8Array<ArrayBuffer>> {
  const { content } = await readAsset(file, assets);
  if (!isModule(content)) return content;
  throw new FerError('OPTION', `assets['${file.name}'] is a WebAssembly.Module: pass its bytes or its address`);
}

/** The rule of the option `assets`; what a map says of a file is looked at when it is read. */
export const assetsRule: Rule = (value) => void assetSource(value as Assets, 'weights.bin');

/**
 * What `assets` says of a file; undefined for one that a map leaves out.
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
  if (source === undefined || typeof source === 'string' || isUrl(source) || isBytes(source) || isModule(source)) {
    return source;
  }
  throw new FerError('OPTION', `assets['${name}'] must be an address or bytes, got ${describeInput(source)}`);
}

/** WebAssembly's magic number: a server may answer any address with a page. */
export function isWasm(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/** By name, because a module of another window or worker context is no instance of this one's class. */
export function isModule(source: unknown): source is WebAssembly.Module {
  return Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
}

/**
 * Where a file of this package may lie, most likely first.
 *
 * A file beside the running module is named as `new URL('…', import.meta.url)`, which bundlers rewrite to where they
 * put it. Vite's development server, however, moves the module alone, into `node_modules/.vite/deps`. From there the
 * file is at its place in the package; and where the package lies in another `node_modules` (a monorepo's), the server
 * tells its place when asked for the module `/@id/fer-dcnn/…?import&url`.
 *
 * @param beside - The file, as the module that needs it names it.
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
 * The address of the package where a CDN serves the module at the package's own, such as `/npm/fer-dcnn@0.1.0`, and not at
 * that of a file.
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

function viewed({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Nothing where no address can be named: some engines and bundles do not tell a module its own, and some have no `URL`. */
function addressesOf(name: () => URL[]): URL[] {
  try {
    return name();
  } catch {
    return [];
  }
}
