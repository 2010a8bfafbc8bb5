/*
 * Types of the platform, for signatures: the class that the project's libraries declare (`DOM`, `WebWorker`, `@types/node`), or,
 * in a project without them, the members that this package uses. Otherwise an undeclared name would silently be `any` there.
 */

/** A global class by its name. */
type Declared<Name extends string, Otherwise> = typeof globalThis extends {
  readonly [Key in Name]: { prototype: infer Instance };
}
  ? Instance
  : Otherwise;

/** A `Blob` or `File`. */
export type BlobLike = Declared<
  'Blob',
  { readonly size: number; readonly type: string; arrayBuffer(): Promise<ArrayBuffer> }
>;

/** A `URL`. */
export type UrlLike = Declared<'URL', { readonly href: string; readonly protocol: string }>;

/** Canvas pixels: RGBA, four levels per pixel. */
export type ImageDataLike = Declared<
  'ImageData',
  { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number }
>;

/** Drawable or visible elements of a page or worker; `never` where they do not exist. */
export type Drawable =
  | Declared<'HTMLImageElement', never>
  | Declared<'HTMLCanvasElement', never>
  | Declared<'HTMLVideoElement', never>
  | Declared<'OffscreenCanvas', never>
  | Declared<'ImageBitmap', never>
  | Declared<'VideoFrame', never>;

/** A `WebAssembly.Module`. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } }
  ? Module
  : never;

/** An `EventTarget`. */
export type EventTargetLike = Declared<
  'EventTarget',
  {
    addEventListener(type: string, listener: Listener<EventLike> | null, options?: ListenerOptions | boolean): void;
    removeEventListener(type: string, listener: Listener<EventLike> | null, options?: ListenerOptions | boolean): void;
    dispatchEvent(event: EventLike): boolean;
  }
>;

/** An `Event`. */
export type EventLike = Declared<'Event', { readonly type: string }>;

/** A `CustomEvent` with a typed `detail`. */
export type EventWith<Detail> = Omit<Declared<'CustomEvent', EventLike>, 'detail'> & { readonly detail: Detail };

/** An `AbortSignal`. */
export type SignalLike = Declared<
  'AbortSignal',
  {
    readonly aborted: boolean;
    readonly reason: unknown;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener(type: 'abort', listener: () => void): void;
  }
>;

/** An event listener. */
export type Listener<Event> = ((event: Event) => void) | { handleEvent(event: Event): void };

/** Options of a listener. */
export interface ListenerOptions {
  capture?: boolean;
  once?: boolean;
  passive?: boolean;
  signal?: SignalLike;
}
