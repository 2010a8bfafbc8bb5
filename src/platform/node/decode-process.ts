import type { FerErrorCode } from '../../errors.js';
import { FerError, reasonOf } from '../../errors.js';
import type { PixelImage } from '../../runtime.js';
import type { ImageFormat } from '../image-format.js';
import type { DecodeLimits } from '../image-limits.js';
import { decodeBytes, loadSharp } from './decode-bytes.js';
import { listenForFrames, sendFrame } from './frames.js';

/** The request to a decoding process; the image's bytes follow it. */
export interface DecodeRequest {
  format: ImageFormat;
  limits: DecodeLimits;
  name: string;
}

/** The answer; the pixels of an image follow it. The first answer means that the process is ready. */
export type DecodeAnswer =
  | { kind: 'ready' }
  | ({ kind: 'image' } & Omit<PixelImage, 'data'>)
  | { kind: 'error'; code: FerErrorCode; message: string };

/** Runs in a separate process: decodes the images from standard input until it is closed. */
export async function answerRequests(): Promise<void> {
  // Signals to the whole process group are handled by the parent, which finishes its work.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  // Immediately, because an ordinary exit would wait for the image in decoding.
  const end = () => process.kill(process.pid, 'SIGKILL');
  process.stdin.on('close', end);
  process.stdout.on('error', end);

  listenForFrames<DecodeRequest>(process.stdin, async ({ header: { format, limits, name }, bytes }) => {
    try {
      const { data, ...size } = await decodeBytes(bytes, format, limits, name);
      answer({ kind: 'image', ...size }, data);
    } catch (error) {
      const { code, message } =
        error instanceof FerError ? error : new FerError('DECODE', `${name}: ${reasonOf(error)}`);
      answer({ kind: 'error', code, message });
    }
  });
  // A missing package is reported for the first image.
  await loadSharp().catch(() => {});
  answer({ kind: 'ready' });
}

function answer(header: DecodeAnswer, pixels?: Uint8Array | Uint8ClampedArray): void {
  sendFrame(process.stdout, header, pixels && new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length));
}
