/** The parts of `@cornerstonejs/codec-libjpeg-turbo-8bit` 1.2 that are used; the package has no types. */
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  export interface JpegDecoder {
    /** Memory of the decoder for this many encoded bytes. */
    getEncodedBuffer(length: number): Uint8Array;
    /** @throws a number, the address of a C++ exception, for data that libjpeg-turbo refuses or warns about. */
    decode(): void;
    /** Pixels, interleaved, valid until the next call. */
    getDecodedBuffer(): Uint8ClampedArray;
    getFrameInfo(): { width: number; height: number; componentCount: number };
  }

  interface Codec {
    JPEGDecoder: new () => JpegDecoder;
  }

  interface CodecOptions {
    print?: (line: string) => void;
    printErr?: (line: string) => void;
  }

  export default function start(options?: CodecOptions): Promise<Codec>;
}
